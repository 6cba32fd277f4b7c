"""Files of the forecast: its tables, and every forecast ever made below `forecasts-history/`."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from turo.files import atomic_path
from turo.forecast.forecast_columns import BASELINE, FORECASTS, with_columns

CSV, TOTALS_CSV, ACCURACY_CSV = "forecasts.csv", "forecast-totals.csv", "forecast-accuracy.csv"
HISTORY = "forecasts-history"


def write_csv(table: pl.DataFrame, path: Path) -> None:
    """Write the table whole, or leave the old file as it is."""
    with atomic_path(path) as temporary:
        table.write_csv(temporary, float_precision=4, datetime_format="%Y-%m-%dT%H:%M:%S")


def append_history(table: pl.DataFrame, folder: Path) -> list[Path]:
    """Keep the forecasts: one file for each origin and registered version, replaced when made again.

    Baselines of all horizons have one name, so theirs has the horizon in it, too.
    """
    kept = []
    one_file = ["origin_date", "model", "version", "horizon_days", "method"]
    for (origin, model, version, horizon, method), rows in table.group_by(one_file, maintain_order=True):
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(model)) + (f"-{horizon}d" if method == BASELINE else "")
        path = folder / HISTORY / f"{origin}.{name}.v{version}.parquet"
        with atomic_path(path) as temporary:
            rows.write_parquet(temporary)
        kept.append(path)
    return kept


def read_history(folder: Path) -> pl.DataFrame:
    """All forecasts kept so far; empty at first. Columns added since are null in older files."""
    parts = [_renamed(pl.read_parquet(path)) for path in sorted((folder / HISTORY).glob("*.parquet"))]
    if not parts:
        return pl.DataFrame(schema=FORECASTS)
    return with_columns(pl.concat(parts, how="diagonal_relaxed"), FORECASTS)


def _renamed(kept: pl.DataFrame) -> pl.DataFrame:
    """Older releases kept a median and called it `expected`."""
    return kept if "median" in kept.columns else kept.rename({"expected": "median"}, strict=False)
