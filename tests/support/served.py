"""A tiny model as the serving code holds it, and its rows as JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np
from tiny_forecaster import tiny_columns, tiny_forecaster

from turo.models.encoding import Columns
from turo.serving.api.model_info import About
from turo.serving.api.predictor import Observer, Predictor
from turo.serving.serve_config import Limits

NAME = "Tiny"
LIMITS = Limits(max_rows=2000, max_bytes=1 << 20, max_in_flight=8, timeout_s=5.0)


def rows_of(columns: Columns) -> list[dict[str, Any]]:
    """Rows of plain JSON values; NaN becomes null."""
    lists = {
        name: [None if value is None or value != value else value for value in values.tolist()]
        for name, values in columns.items()
    }
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def full_row() -> dict[str, Any]:
    """A row without gaps."""
    columns = tiny_columns(200)
    return next(row for row in rows_of(columns) if None not in row.values())


def tiny_predictor(kind: str = "xgboost", version: str = "7", observe: Observer | None = None) -> Predictor:
    """A small fitted model with its description."""
    about = About(NAME, version, "run-7", "y_booked_days", 28, example=full_row())
    return Predictor(tiny_forecaster(kind), about, LIMITS.max_rows, observe)


def random_columns(rows: int = 1000) -> dict[str, np.ndarray]:
    """Rows the model has not seen, with gaps and every category."""
    return tiny_columns(rows, seed=99)
