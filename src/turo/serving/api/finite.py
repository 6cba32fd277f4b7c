"""Answers are finite numbers; what is not is refused."""

from __future__ import annotations

import math

import numpy as np

from turo.serving.http.problems import Problem


def refuse_infinite(predictions: np.ndarray) -> None:
    """Raise a Problem, 422, that names the first row without a finite prediction."""
    # A finite sum has finite terms; only another one is worth the look at each.
    if not math.isfinite(np.add.reduce(predictions)) and not np.isfinite(predictions).all():
        row = int(np.flatnonzero(~np.isfinite(predictions))[0])
        raise Problem(422, f"Row {row}: the model has no finite answer for these values.", [{"row": row}])
