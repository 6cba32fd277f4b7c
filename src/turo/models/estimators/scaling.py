"""Imputation and scaling for the distance-based models, learnt from the training rows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

RIDGE = 0.01  # penalty per row
CLIP = 5.0  # standard deviations: one wild value must not become the farthest neighbour of everything


@dataclass(frozen=True)
class Scaler:
    """Medians for gaps, a flag column for each column that had gaps, then zero mean and unit variance."""

    median: np.ndarray
    flagged: np.ndarray  # positions of the columns that get a missing flag
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray) -> Self:
        """Learn from X (rows, features); a column without any value becomes a constant zero."""
        missing = np.isnan(X)
        median = np.zeros(X.shape[1])
        some = ~missing.all(axis=0)
        median[some] = np.nanmedian(X[:, some], axis=0)
        flagged = np.flatnonzero(missing.any(axis=0) & some)
        filled = _fill(X, median, flagged)
        scale = filled.std(axis=0)
        return cls(median, flagged, filled.mean(axis=0), np.where(scale > 1e-12, scale, 1.0))

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Matrix (rows, features + flags), clipped to ±5 standard deviations; each row on its own."""
        return np.clip((_fill(X, self.median, self.flagged) - self.mean) / self.scale, -CLIP, CLIP)

    def arrays(self) -> dict[str, np.ndarray]:
        """State for `save_arrays`."""
        return {f"scaler_{name}": value for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The inverse of `arrays`."""
        return cls(*(arrays[f"scaler_{name}"] for name in ("median", "flagged", "mean", "scale")))


def relevance(Z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much each standardised column says about the target: absolute ridge coefficients, the largest is 1.

    Distances over all columns alike would be ruled by those that say nothing.
    """
    penalty = RIDGE * len(Z)
    weights = np.abs(np.linalg.solve(Z.T @ Z + penalty * np.eye(Z.shape[1]), Z.T @ (y - y.mean())))
    largest = weights.max()
    return weights / largest if largest > 0 else np.ones_like(weights)


def _fill(X: np.ndarray, median: np.ndarray, flagged: np.ndarray) -> np.ndarray:
    missing = np.isnan(X)
    filled = np.where(missing, median, X)
    return np.concatenate([filled, missing[:, flagged].astype(np.float64)], axis=1)
