"""Forecast distributions: quantiles, means, shortest intervals, scores, and places of what came true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turo.table.names import QUANTILE_NAMES, QUANTILES

__all__ = ["QUANTILES", "QUANTILE_NAMES", "TOLERANCE", "Spread"]

TOLERANCE = 1e-6  # of what came true and a value that stands for it


@dataclass(frozen=True)
class Spread:
    """One discrete distribution a row.

    Attributes:
        values: what may come true (rows, steps), ascending, within the bounds of the target.
        below: probability of at most that value (rows, steps); the last one is 1.
    """

    values: np.ndarray
    below: np.ndarray

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """The least values that are reached with these probabilities.

        Args:
            levels: (levels,) for all rows, or (rows, levels); between 0 and 1.

        Returns:
            (rows, levels).
        """
        asked = np.broadcast_to(levels, (len(self.values), np.shape(levels)[-1]))
        found = np.empty(asked.shape)
        for row, (values, below) in enumerate(zip(self.values, self.below, strict=True)):
            places = np.searchsorted(below, asked[row], side="left")
            found[row] = values[np.minimum(places, len(values) - 1)]
        return found

    @property
    def mean(self) -> np.ndarray:
        """Expected values (rows,)."""
        return np.add.reduce(self.values * self._chances, axis=1)

    def shortest(self, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Ends (rows,) of the shortest interval that holds at least this probability and the median.

        Many windows end with exactly what is on the books. Cut off at both tails, an interval then holds more
        than it says, for one of its ends cannot lie within that one value; the shortest one takes the tail
        that is there.
        """
        rows, steps = self.values.shape
        low, high = np.empty(rows), np.empty(rows)
        before = np.concatenate([np.zeros((rows, 1)), self.below[:, :-1]], axis=1)
        for row, (values, below) in enumerate(zip(self.values, self.below, strict=True)):
            ends = np.searchsorted(below, before[row] + coverage - 1e-9, side="left")
            possible = np.flatnonzero(ends < steps)
            widths = values[ends[possible]] - values[possible]
            best = possible[np.argmin(widths)]
            low[row], high[row] = values[best], values[ends[best]]
        median = self.quantiles(np.array([0.5]))[:, 0]
        return np.minimum(low, median), np.maximum(high, median)

    def places(self, y: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """Where each y (rows,) lies in its distribution, 0 to 1 (probability integral transform).

        Args:
            chance: uniform numbers (rows,) that place what came true within the probability of its own value.
        """
        found = np.empty(len(y))
        for row, (values, below) in enumerate(zip(self.values, self.below, strict=True)):
            under = np.searchsorted(values, y[row] - TOLERANCE, side="left")
            upto = np.searchsorted(values, y[row] + TOLERANCE, side="right")
            lower = below[under - 1] if under else 0.0
            upper = below[upto - 1] if upto else 0.0
            found[row] = lower + chance[row] * (upper - lower)
        return found

    def crps(self, y: np.ndarray) -> np.ndarray:
        """Continuous ranked probability score of each row, in units of the target; 0 is a sure hit.

        Gneiting and Raftery 2007: E|X - y| - E|X - X'| / 2.
        """
        off = np.add.reduce(np.abs(self.values - y[:, None]) * self._chances, axis=1)
        steps = np.diff(self.values, axis=1)
        within = self.below[:, :-1]
        return off - np.add.reduce(within * (1 - within) * steps, axis=1)

    @property
    def _chances(self) -> np.ndarray:
        return np.diff(self.below, axis=1, prepend=0.0)
