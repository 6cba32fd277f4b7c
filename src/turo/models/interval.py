"""Intervals of models saved by earlier releases: offsets by level. Others have a distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

BINS = 8
MIN_ROWS = 60  # residuals a bin needs before its own tenth percentile means anything
COVERAGE = 0.8


@dataclass(frozen=True)
class Interval:
    """Offsets to add to a prediction, by the bin it falls in.

    Booked days vary little for an empty or a full vehicle and most in between, so one offset for all would be
    too wide at both ends; bins of equal count by predicted value adapt at the price of a search.
    """

    edges: np.ndarray  # inner borders, ascending
    low: np.ndarray  # len(edges) + 1 offsets
    high: np.ndarray

    @classmethod
    def fit(cls, y: np.ndarray, predicted: np.ndarray, coverage: float = COVERAGE) -> Self:
        """Learn from out-of-sample predictions; each tail gets half of what is left outside `coverage`."""
        bins = max(1, min(BINS, len(y) // MIN_ROWS))
        edges = np.unique(np.quantile(predicted, np.arange(1, bins) / bins)) if bins > 1 else np.empty(0)
        places, residuals, tail = (
            np.searchsorted(edges, predicted, side="right"),
            y - predicted,
            (1 - coverage) / 2,
        )
        low, high = [], []
        for place in range(len(edges) + 1):
            ordered = np.sort(residuals[places == place])
            if not ordered.size:
                ordered = np.sort(residuals)
            # Finite-sample correction of split conformal prediction: rank (n + 1)·p, at most the extremes.
            below = max(math.floor((ordered.size + 1) * tail) - 1, 0)
            low.append(ordered[below])
            high.append(ordered[ordered.size - 1 - below])
        return cls(edges, np.asarray(low), np.asarray(high))

    def around(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends, not yet clipped to what is possible; the prediction lies within.

        Where a model is off in one direction both offsets may have the same sign, and an interval beside its
        own forecast says nothing to a reader.
        """
        places = np.searchsorted(self.edges, predicted, side="right")
        low, high = predicted + self.low[places], predicted + self.high[places]
        return np.minimum(low, predicted), np.maximum(high, predicted)

    def to_json(self) -> dict[str, list[float]]:
        """Plain values for a JSON file."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(*(np.asarray(data[name], dtype=np.float64) for name in ("edges", "low", "high")))
