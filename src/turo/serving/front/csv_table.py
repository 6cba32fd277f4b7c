"""Reads a table that the forecast wrote as CSV; what is not known of its columns is told by their values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

TEXTS = {"vehicle_id": pl.String, "vehicle": pl.String, "class": pl.String, "name": pl.String}


def read_table(path: Path, types: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """The table; columns of no known type are numbers, dates or truths where every value is one, else texts.

    Raises:
        OSError, pl.exceptions.PolarsError: it cannot be read.
    """
    wanted = {**TEXTS, **(types or {})}
    header = pl.read_csv(path, n_rows=0).columns
    kinds = {name: kind for name, kind in wanted.items() if name in header}
    table = pl.read_csv(path, schema_overrides=kinds, infer_schema=False)
    return table.with_columns(_typed(table[name]) for name in header if name not in kinds)


def _typed(texts: pl.Series) -> pl.Series:
    """Polars' own guess reads every value of a large file once for each type, which takes seconds."""
    for read in (
        lambda: texts.cast(pl.Int64, strict=False),
        lambda: texts.cast(pl.Float64, strict=False),
        lambda: texts.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False),
        lambda: texts.str.to_date("%Y-%m-%d", strict=False),
        lambda: texts.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean),
    ):
        values: pl.Series = read()
        if values.null_count() == texts.null_count():
            return values.fill_nan(None) if values.dtype == pl.Float64 else values
    return texts
