"""Files of the forecast: its tables, and all forecasts and totals ever made, in folders of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from turo.files import atomic_path
from turo.forecast.forecast_columns import BASELINE, FORECASTS, KEY, TOTALS, TOTALS_KEY, Types, with_columns

CSV, TOTALS_CSV, ACCURACY_CSV = "forecasts.csv", "forecast-totals.csv", "forecast-accuracy.csv"
LIVE_CSV, MONDAYS_CSV = "forecast-live.csv", "forecast-live-mondays.csv"
HISTORY, TOTALS_HISTORY = "forecasts-history", "forecast-totals-history"


@dataclass(frozen=True)
class Kept:
    """Forecasts and totals made so far; columns added since are null in older files.

    `problems`: what must be said of files that cannot be used.
    """

    forecasts: pl.DataFrame
    totals: pl.DataFrame
    problems: list[str] = field(default_factory=list)


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


def append_totals(table: pl.DataFrame, folder: Path) -> list[Path]:
    """Keep the totals: one file for each origin, horizon and registered version, replaced when made again."""
    kept = []
    one_file = ["origin_date", "horizon_days", "model", "version"]
    for (origin, horizon, model, version), rows in table.group_by(one_file, maintain_order=True):
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(model))
        path = folder / TOTALS_HISTORY / f"{origin}.{horizon}d.{name}.v{version}.parquet"
        with atomic_path(path) as temporary:
            rows.write_parquet(temporary)
        kept.append(path)
    return kept


def read_history(folder: Path) -> pl.DataFrame:
    """All forecasts kept so far; empty at first. Files that cannot be used are left out."""
    return read_kept(folder).forecasts


def read_kept(folder: Path) -> Kept:
    """All forecasts and totals kept so far, and which files cannot be used."""
    problems: list[str] = []
    forecasts = _read(folder / HISTORY, FORECASTS, KEY, problems, _renamed)
    totals = _read(folder / TOTALS_HISTORY, TOTALS, TOTALS_KEY, problems)
    return Kept(forecasts, totals, problems)


def _read(
    folder: Path,
    types: Types,
    key: Sequence[str],
    problems: list[str],
    renew: Callable[[pl.DataFrame], pl.DataFrame] = lambda kept: kept,
) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=types)]
    for path in sorted(folder.glob("*.parquet")):
        try:
            kept = renew(pl.read_parquet(path))
            if lacking := [name for name in key if name not in kept.columns]:
                raise pl.exceptions.ColumnNotFoundError(f"no column {', '.join(lacking)}")
            parts.append(with_columns(kept, types))
        except (pl.exceptions.PolarsError, OSError) as error:
            problems.append(
                f"{folder.name}/{path.name} cannot be used ({_first_line(error)}): it is not held against "
                "what came true. Put it back from a backup, or remove it."
            )
    return pl.concat(parts)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _renamed(kept: pl.DataFrame) -> pl.DataFrame:
    """Older releases kept a median and called it `expected`."""
    return kept if "median" in kept.columns else kept.rename({"expected": "median"}, strict=False)
