"""Weights of forecasts whose mean errs least, by greedy selection with replacement (Caruana et al. 2004)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def choose(forecasts: np.ndarray, loss: Callable[[np.ndarray], float], rounds: int) -> np.ndarray:
    """Weights (members,), multiples of 1/n for some n up to `rounds`, which add up to 1.

    Each round adds the member with which the mean of all chosen so far has the least loss, be it for the
    second time; kept is the best mean of any round. So few members have a weight, none a negative one, and
    the mean never has more loss on these rows than the best member alone.

    Args:
        forecasts: (rows, members).
        loss: of a forecast (rows,); finite.
        rounds: at least 1.

    Raises:
        ValueError: no forecast has a finite loss.
    """
    counts, total = np.zeros(forecasts.shape[1]), np.zeros(len(forecasts))
    kept, least = counts, np.inf
    for number in range(1, rounds + 1):
        losses = [loss((total + member) / number) for member in forecasts.T]
        best = int(np.argmin(losses))
        counts[best] += 1
        total += forecasts[:, best]
        if losses[best] < least:
            kept, least = counts / number, losses[best]
    if not np.isfinite(least):
        raise ValueError("No forecast has a finite loss: there is nothing to choose by.")
    return kept
