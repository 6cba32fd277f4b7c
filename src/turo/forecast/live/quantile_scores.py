"""Proper scores of forecasts that are known by a few quantiles only. Pure."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.models.spread import QUANTILE_NAMES, QUANTILES, Spread
from turo.table.names import MEDIAN_QUANTILE
from turo.training.evaluation import metrics


def scores(rows: pl.DataFrame) -> dict[str, float | None]:
    """`pinball` (mean over the quantiles) and `crps`, in units of the target; the smaller the better.

    Both over the rows that have all quantiles; None where none has. The CRPS is that of the distribution in
    which each quantile stands for the values around it, so a little coarser than that of all draws.

    Args:
        rows: actual, median and the other quantiles.
    """
    named = {name: "median" if name == MEDIAN_QUANTILE else name for name in QUANTILE_NAMES}
    known = rows.select("actual", *named.values()).drop_nulls()
    if known.is_empty():
        return {"pinball": None, "crps": None}
    y = known["actual"].to_numpy()
    quantiles = np.sort(known.select(named.values()).to_numpy(), axis=1)
    losses = [metrics.pinball(y, quantiles[:, at], level) for at, level in enumerate(QUANTILES)]
    below = np.broadcast_to(_below(), quantiles.shape)
    return {"pinball": float(np.mean(losses)), "crps": float(Spread(quantiles, below).crps(y).mean())}


def _below() -> np.ndarray:
    """Probability (levels,) of at most what each quantile stands for: up to half way to the next one."""
    levels = np.array(QUANTILES)
    return np.append((levels[1:] + levels[:-1]) / 2, 1.0)
