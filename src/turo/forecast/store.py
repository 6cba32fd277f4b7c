"""Files of the forecast: `forecasts.csv`, and every forecast ever made below `forecasts-history/`."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from turo.files import atomic_path
from turo.forecast.columns import FORECASTS

CSV = "forecasts.csv"
HISTORY = "forecasts-history"


def write_csv(table: pl.DataFrame, path: Path) -> None:
    """Write the table whole, or leave the old file as it is."""
    with atomic_path(path) as temporary:
        table.write_csv(temporary, float_precision=4, datetime_format="%Y-%m-%dT%H:%M:%S")


def remember(table: pl.DataFrame, folder: Path) -> list[Path]:
    """Keep the forecasts: one file for each origin and registered version, replaced when made again."""
    kept = []
    one_file = ["origin_date", "model", "version"]
    for (origin, model, version), rows in table.group_by(one_file, maintain_order=True):
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(model))
        path = folder / HISTORY / f"{origin}.{name}.v{version}.parquet"
        with atomic_path(path) as temporary:
            rows.write_parquet(temporary)
        kept.append(path)
    return kept


def recall(folder: Path) -> pl.DataFrame:
    """All forecasts kept so far; empty at first. Columns added since are null in older files."""
    parts = [pl.read_parquet(path) for path in sorted((folder / HISTORY).glob("*.parquet"))]
    if not parts:
        return pl.DataFrame(schema=FORECASTS)
    table = pl.concat(parts, how="diagonal_relaxed")
    return table.select(
        (pl.col(name) if name in table.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in FORECASTS.items()
    )
