"""Where in its distribution lay what came true, by distributions that had not seen it.

The range of the fleet's total stands on these places. A distribution learnt from the same weeks would put
them too near the middle, so each quarter of the weeks is judged by one learnt from the others.
"""

from __future__ import annotations

import numpy as np

from turo.models.distribution import Distribution

BLOCKS = 4
MIN_ROWS = 30  # from which a distribution can be learnt


def out_of_sample(  # noqa: PLR0913, PLR0917 - the forecasts of the past and their bounds
    X: np.ndarray,
    books: np.ndarray,
    actual: np.ndarray,
    origins: np.ndarray,
    horizon_days: int,
    most: float | None,
    seed: int,
) -> np.ndarray:
    """Places (rows,) in 0 to 1; NaN where too few rows are left that share no day with those judged.

    Args:
        X: what the distributions depend on, see `distribution.design`.
        origins: of each row, datetime64[D].
        most: bound of the target.
    """
    found, gap = np.full(len(actual), np.nan), np.timedelta64(horizon_days, "D")
    chance = np.random.default_rng(seed).random(len(actual))
    for block in np.array_split(np.unique(origins), BLOCKS):
        if not len(block):
            continue
        here = (origins >= block[0]) & (origins <= block[-1])
        apart = (origins + gap <= block[0]) | (origins >= block[-1] + gap)
        if apart.sum() < MIN_ROWS:
            continue
        learnt = Distribution.fit(X[apart], books[apart], actual[apart], seed)
        found[here] = learnt.spread(X[here], books[here], 0.0, most).places(actual[here], chance[here])
    return found
