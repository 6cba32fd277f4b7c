"""Does a candidate lose to the champion? A paired bootstrap that respects how rows hang together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
LOSES = 0.9  # share of resamples in which the candidate is worse, from which on it has lost


@dataclass(frozen=True)
class Comparison:
    """Mean loss of both on the same rows, and how often the candidate was worse when cars were resampled."""

    candidate: float
    champion: float
    share_worse: float
    rows: int

    @property
    def loses(self) -> bool:
        """Worse on average, and not by chance. A tie does not lose."""
        return self.candidate > self.champion and self.share_worse >= LOSES


def compare(candidate: np.ndarray, champion: np.ndarray, groups: np.ndarray, seed: int = 0) -> Comparison:
    """Compare two loss columns row by row.

    Whole vehicles are drawn, not rows: the windows of one car overlap from week to week, and drawing rows
    would pretend to far more evidence than there is.

    Args:
        candidate, champion: loss of each row (rows,).
        groups: the vehicle of each row.
    """
    _, places = np.unique(groups, return_inverse=True)
    difference = np.bincount(places, weights=candidate - champion)
    count = np.bincount(places)
    drawn = np.random.default_rng(seed).integers(0, len(count), size=(RESAMPLES, len(count)))
    means = difference[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return Comparison(
        float(candidate.mean()), float(champion.mean()), float((means > 0).mean()), len(candidate)
    )
