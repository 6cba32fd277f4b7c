"""Which features matter, by one method for every kind of model."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.models.encoding import Columns
from turo.models.forecaster import Forecaster
from turo.training.evaluation.metrics import row_loss

ROWS = 400


def permutation_importance(
    model: Forecaster, columns: Columns, y: np.ndarray, metric: str, seed: int
) -> pl.DataFrame:
    """How much worse the loss gets when one feature's values are shuffled among rows the model has not seen.

    Returns:
        feature, importance (mean absolute, or squared, error added), largest first.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(y))[:ROWS])
    sample = {name: values[rows] for name, values in columns.items()}
    base = row_loss(y[rows], model.predict(sample), metric).mean()
    added = {}
    for field in model.fields:
        shuffled = sample | {field.name: sample[field.name][generator.permutation(len(rows))]}
        added[field.name] = float(row_loss(y[rows], model.predict(shuffled), metric).mean() - base)
    frame = pl.DataFrame({"feature": list(added), "importance": list(added.values())})
    return frame.sort("importance", descending=True)
