"""Nearest neighbours over a bounded reference set, in the few directions that matter for the target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from turo.models.estimators.base import Loss, load_arrays, save_arrays
from turo.models.estimators.scaling import Scaler, relevance

FILE = "model.npz"
LEAF = 32


@dataclass(kw_only=True)
class NearestNeighbours:
    """Mean (or, for absolute loss, median) of the `neighbours` nearest training rows.

    Usable at 200,000 rows because at most `reference_rows` of them are kept (a seeded sample), and because
    distances are taken in the `dimensions` columns with the largest ridge coefficients, each weighted by its
    coefficient: a k-d tree is fast there, and columns that say nothing about the target do not blur nearness.
    """

    loss: Loss = "absolute"
    seed: int = 0
    threads: int = 1
    neighbours: int = 60
    dimensions: int = 16
    reference_rows: int = 20_000

    def __post_init__(self) -> None:
        self.state: dict[str, np.ndarray] = {}
        self.scaler: Scaler
        self.tree: Any = None

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Choose the reference rows, learn the scaling on them, weigh the directions."""
        chosen = np.random.default_rng(self.seed).permutation(len(X))[: self.reference_rows]
        chosen.sort()
        scaler = Scaler.fit(X[chosen])
        Z, values = scaler.transform(X[chosen]), y[chosen]
        weights = relevance(Z, values)
        columns = np.sort(np.argsort(-weights, kind="stable")[: self.dimensions])
        self.state = {
            **scaler.arrays(),
            "columns": columns,
            "weights": weights[columns],
            "points": Z[:, columns] * weights[columns],
            "values": values.astype(np.float64),
            "neighbours": np.asarray(min(self.neighbours, len(chosen))),
            "median": np.asarray(self.loss == "absolute"),
        }
        return self._ready()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Each row searches the tree for itself."""
        points = self.scaler.transform(X)[:, self.state["columns"]] * self.state["weights"]
        _, nearest = self.tree.query(points, k=np.arange(1, int(self.state["neighbours"]) + 1), workers=1)
        found = self.state["values"][nearest]
        return np.median(found, axis=1) if self.state["median"] else found.mean(axis=1)

    def save(self, folder: Path) -> None:
        """Write the reference set and the scaling as plain arrays; the tree is rebuilt in milliseconds."""
        save_arrays(folder / FILE, **self.state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        model = cls()
        model.state = load_arrays(folder / FILE)
        return model._ready()

    def _ready(self) -> Self:
        from scipy.spatial import cKDTree

        self.scaler = Scaler.from_arrays(self.state)
        self.tree = cKDTree(self.state["points"], leafsize=LEAF)
        return self
