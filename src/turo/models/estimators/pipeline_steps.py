"""Our own steps of the scikit-learn pipelines behind SVR and KNN.

Saved models name these classes by their path: whoever moves them leaves the old path importable.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

RIDGE = 0.01  # penalty per row
CLIP = 5.0  # standard deviations: one wild value must not become the farthest neighbour of everything


class RelevanceWeights(TransformerMixin, BaseEstimator):
    """Weighs standardised columns by what they say about the target, so that distances follow the target.

    Distances over all columns alike would be ruled by those that say nothing. A column's relevance is the
    size of its ridge coefficient, the largest being 1, and its weight
    `floor` + (1 - `floor`) * relevance ** `power`.

    Args:
        floor: the least weight.
        power: 0.5 brings the weights closer together.
        columns: how many columns to keep, those with the largest weights; None = all.
        mean_square: what the weights' squares average to; None = as they are.
    """

    def __init__(
        self,
        *,
        floor: float = 0.0,
        power: float = 1.0,
        columns: int | None = None,
        mean_square: float | None = None,
    ) -> None:
        self.floor = floor
        self.power = power
        self.columns = columns
        self.mean_square = mean_square

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn `columns_` (positions, ascending) and `weights_` of X (rows, features), standardised."""
        clipped = np.clip(X, -CLIP, CLIP)
        sizes = np.abs(Ridge(alpha=RIDGE * len(clipped)).fit(clipped, y).coef_)
        relevance = sizes / sizes.max() if sizes.max() > 0 else np.ones_like(sizes)
        weights = self.floor + (1.0 - self.floor) * relevance**self.power
        self.columns_ = np.sort(np.argsort(-weights, kind="stable")[: self.columns])
        self.weights_ = weights[self.columns_]
        if self.mean_square is not None:
            self.weights_ = self.weights_ * np.sqrt(self.mean_square / (self.weights_**2).mean())
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """The kept columns, clipped to ±5 standard deviations and weighted."""
        return np.clip(X, -CLIP, CLIP)[:, self.columns_] * self.weights_


class MedianNeighbours(KNeighborsRegressor):
    """Median of the nearest rows, for absolute loss: scikit-learn's own regressor offers the mean only."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Medians (rows,)."""
        return np.median(self._y[self.kneighbors(X, return_distance=False)], axis=1)
