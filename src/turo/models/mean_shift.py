"""Means of models saved by earlier releases: what to add to a median. Others have a distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

BINS = 8
MIN_ROWS = 60  # residuals whose mean is worth a bin of its own


@dataclass(frozen=True)
class MeanShift:
    """Mean residual by the level of the forecast.

    A forecast fitted for absolute error is a median. Bookings are skewed: most vehicles of a week end with
    what is on their books, a few with a whole trip more, so a sum of medians is too low. How much depends on
    the level: an empty vehicle can only gain, a full one only lose.
    """

    edges: np.ndarray  # inner borders, ascending
    shift: np.ndarray  # len(edges) + 1 means, in units of the target

    @classmethod
    def fit(cls, y: np.ndarray, predicted: np.ndarray) -> Self:
        """Learn from forecasts (rows,) of rows the model had not seen; bins of about equal count."""
        bins = max(1, min(BINS, len(y) // MIN_ROWS))
        edges = np.unique(np.quantile(predicted, np.arange(1, bins) / bins)) if bins > 1 else np.empty(0)
        places = np.searchsorted(edges, predicted, side="right")
        counts = np.bincount(places, minlength=len(edges) + 1)
        sums = np.bincount(places, y - predicted, len(edges) + 1)
        # Equal forecasts share a bin, which may leave the lowest one empty: it gets what holds on average.
        overall = float((y - predicted).mean())
        return cls(edges, np.where(counts > 0, sums / np.maximum(counts, 1), overall))

    def at(self, predicted: np.ndarray) -> np.ndarray:
        """What to add to each forecast (rows,), not yet clipped to what is possible."""
        return self.shift[np.searchsorted(self.edges, predicted, side="right")]

    def to_json(self) -> dict[str, list[float]]:
        """Plain values for a JSON file."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(*(np.asarray(data[name], dtype=np.float64) for name in ("edges", "shift")))
