"""From a point forecast to all that may come true: a forest over what comes on top of the books.

A forecast for least absolute error says one number. What may come true around it depends on more than that
number: how much is booked already, how far ahead, what kind of vehicle. So a small forest is grown on
forecasts of rows that the model had not seen, with the forecast, the books and the features in, and in every
leaf the distribution of `y - books` is kept (quantile regression forest, Meinshausen 2006). It counts from
the books because many windows end with exactly these.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from turo.models.estimators.base import load_arrays, row_blocks, save_arrays
from turo.models.forest import Forest, filled
from turo.models.spread import TOLERANCE, Spread

FILE = "distribution.npz"
COVERAGE = 0.8  # of the interval
TREES, DEPTH, LEAF_ROWS = 16, 9, 20
FEATURES = 0.5  # tried at each split
SAMPLE = 0.25  # of the rows, for each tree: neighbouring weeks of a vehicle are nearly copies
FEW_ROWS = 4  # up to here adding up whole leaves is faster than a search in each
STEPS = 256  # different values of y - books that are told apart
DECIMALS = 6
CUTS = np.arange(1, 20) / 20  # quantiles of y - books at which leaves are told apart
BLOCK = 4096  # rows whose distributions are held at once
JUDGED = 2000  # rows that are enough to choose the level of intervals
WHOLE = np.iinfo(np.uint16).max
LEVELS = np.arange(0.5, 0.9501, 0.005)  # probabilities tried for the interval


def design(X: np.ndarray, level: np.ndarray, books: np.ndarray) -> np.ndarray:
    """What a distribution depends on (rows, columns + 3): the features, what is expected, the books."""
    return np.concatenate([X, np.stack([level, books, level - books], axis=1)], axis=1)


@dataclass(frozen=True)
class Distribution:
    """A fitted forest and what came true in its leaves.

    Attributes:
        steps: values of y - books, ascending (STEPS,).
        below: cumulative counts in each leaf (leaves, STEPS), scaled so that all of a leaf are `WHOLE`:
            whole numbers, so that a row's sum over trees is the same in any batch.
        level: probability the shortest interval needs to hold for `COVERAGE` of what comes true.
    """

    forest: Forest
    steps: np.ndarray
    below: np.ndarray
    level: float = COVERAGE

    @classmethod
    def fit(cls, X: np.ndarray, books: np.ndarray, y: np.ndarray, seed: int = 0, threads: int = 1) -> Self:
        """Learn from rows the model had not seen.

        Args:
            X: what the forest may split on (rows, columns).
            books: what y is counted from (rows,).
        """
        from sklearn.ensemble import RandomForestRegressor

        # Rounded, or one and the same number of added days would be several, an ulp apart.
        added, whole = np.round(y - books, DECIMALS), filled(X)
        cuts = np.unique(np.quantile(added, CUTS))
        reached = (added[:, None] <= cuts).astype(np.float32)
        trees = RandomForestRegressor(
            TREES,
            min_samples_leaf=LEAF_ROWS,
            max_depth=DEPTH,
            max_features=FEATURES,
            max_samples=SAMPLE,
            random_state=seed,
            n_jobs=threads,
        ).fit(whole, reached if len(cuts) > 1 else reached.ravel())
        forest = Forest.of([tree.tree_ for tree in trees.estimators_])
        steps = np.unique(np.quantile(added, np.linspace(0, 1, STEPS), method="nearest"))
        nearest = np.searchsorted((steps[1:] + steps[:-1]) / 2, added, side="right")
        counts = np.zeros((int(forest.leaf.max()) + 1, len(steps)))
        leaves = forest.leaves(X)
        for tree in range(leaves.shape[1]):
            np.add.at(counts, (leaves[:, tree], nearest), 1)
        shares = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
        return cls(forest, steps, np.rint(shares * WHOLE).astype(np.uint16))

    def median(self, X: np.ndarray, books: np.ndarray) -> np.ndarray:
        """The median (rows,), not yet clipped to what is possible; what `spread` says, sooner."""
        leaves = self.forest.leaves(X)
        half = leaves.shape[1] * WHOLE / 2
        if len(X) <= FEW_ROWS:
            sums = np.add.reduce(self.below[leaves], axis=1, dtype=np.int64)
            return books + self.steps.take([int(row.searchsorted(half)) for row in sums])
        low, high = np.zeros(len(X), dtype=np.intp), np.full(len(X), len(self.steps) - 1)
        table, width = self.below.ravel(), len(self.steps)
        starts = leaves * width
        for _ in range(int(len(self.steps) - 1).bit_length()):
            middle = (low + high) // 2
            reached = np.add.reduce(table.take(starts + middle[:, None]), axis=1, dtype=np.int64) >= half
            high = np.where(reached, middle, high)
            low = np.where(reached, low, np.minimum(middle + 1, high))
        return books + self.steps.take(high)

    def spread(
        self, X: np.ndarray, books: np.ndarray, minimum: float = 0.0, maximum: float | None = None
    ) -> Spread:
        """The distribution of each row, within the bounds of the target."""
        leaves = self.forest.leaves(X)
        sums = np.zeros((len(X), len(self.steps)), dtype=np.int64)
        for tree in range(leaves.shape[1]):
            sums += self.below[leaves[:, tree]]
        values = np.clip(books[:, None] + self.steps, minimum, maximum)
        return Spread(values, sums / (leaves.shape[1] * WHOLE))

    def mean(self, X: np.ndarray, books: np.ndarray, maximum: float | None = None) -> np.ndarray:
        """Means (rows,) of many rows, of values from 0 to `maximum`."""
        blocks = row_blocks(len(X), BLOCK)
        parts = [self.spread(X[block], books[block], 0.0, maximum).mean for block in blocks]
        return np.concatenate(parts) if parts else np.empty(0)

    def save(self, folder: Path) -> None:
        """Write `distribution.npz` into `folder`."""
        save_arrays(
            folder / FILE,
            steps=self.steps,
            below=self.below,
            level=np.float64(self.level),
            **{f"forest_{name}": np.asarray(value) for name, value in vars(self.forest).items()},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        arrays = load_arrays(folder / FILE)
        feature, condition, first, leaf, roots, depth = (
            arrays[f"forest_{field.name}"] for field in fields(Forest)
        )
        forest = Forest(feature, condition, first, leaf, roots, int(depth))
        return cls(forest, arrays["steps"], arrays["below"], float(arrays["level"]))


def needed_level(spread: Spread, y: np.ndarray) -> float:
    """The least probability with which the shortest intervals hold `COVERAGE` of what came true."""

    def enough(place: int) -> bool:
        return bool(within(y, *spread.shortest(LEVELS[place])).mean() >= COVERAGE)

    places = range(len(LEVELS) - 1)  # the last one stands for "none of them is"
    return float(LEVELS[bisect.bisect_left(places, True, key=enough)])


def within(y: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which rows came true inside their interval; its ends belong to it, whatever the last digit."""
    return (low - TOLERANCE <= y) & (y <= high + TOLERANCE)
