"""Rows of the prepared table as the models take them: the one way from a frame to columns."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from turo.table.names import CATEGORIES, KEYS, META
from turo.table.targets import TARGETS


def arrays(frame: pl.DataFrame, features: Iterable[str]) -> dict[str, np.ndarray]:
    """Columns of a frame (rows,): float64 with NaN, objects with None for categories."""
    chosen = tuple(features)
    texts = categories(frame, chosen)
    return {
        name: np.array(frame[name].cast(pl.String).to_list(), dtype=object)
        if name in texts
        else numbers(frame[name])
        for name in chosen
    }


def numbers(column: pl.Series) -> np.ndarray:
    """One column of numbers (rows,) as float64; missing is NaN."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def categories(frame: pl.DataFrame, features: Iterable[str]) -> tuple[str, ...]:
    """Names of the features that are not numbers."""
    return tuple(name for name in features if name in CATEGORIES or frame.schema[name] == pl.String)


def feature_columns(columns: Iterable[str]) -> list[str]:
    """The features among `columns`, in their order: all that is not key, mark or target."""
    other = {*KEYS, *META, *TARGETS}
    return [name for name in columns if name not in other]
