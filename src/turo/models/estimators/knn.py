"""Nearest neighbours over a bounded reference set, in the few directions that matter, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from turo.models.estimators.base import Loss
from turo.models.estimators.pipeline_model import PipelineModel
from turo.models.estimators.scaling import scaling_steps

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LEAF = 32


@dataclass(kw_only=True)
class NearestNeighbours(PipelineModel):
    """Mean (or, for absolute loss, median) of the `neighbours` nearest training rows.

    Usable at 200,000 rows because at most `reference_rows` of them are kept (a seeded sample), and because
    distances are taken in the `dimensions` columns with the largest ridge coefficients, each weighted by its
    coefficient: a k-d tree is fast there, and columns that say nothing about the target do not blur nearness.
    """

    LAST = "neighbours"
    loss: Loss = "absolute"
    seed: int = 0
    threads: int = 1
    neighbours: int = 60
    dimensions: int = 16
    reference_rows: int = 20_000
    tree: Any = field(default=None, init=False)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Choose the reference rows, then fit the pipeline to them."""
        chosen = np.sort(np.random.default_rng(self.seed).permutation(len(X))[: self.reference_rows])
        return self._serve(self._pipeline(len(chosen)).fit(X[chosen], y[chosen].astype(np.float64)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """What the pipeline predicts (of rows equally far it may take another); each row searches for itself.

        The pipeline compares a row with all reference rows, SciPy's tree with few of them.
        """
        points = self.scaler.transform(X)[:, self.state["columns"]] * self.state["weights"]
        _, nearest = self.tree.query(points, k=np.arange(1, int(self.state["neighbours"]) + 1), workers=1)
        found = self.state["values"][nearest]
        return np.median(found, axis=1) if self.state["median"] else found.mean(axis=1)

    def _pipeline(self, rows: int) -> Pipeline:
        from sklearn.neighbors import KNeighborsRegressor
        from sklearn.pipeline import Pipeline

        from turo.models.estimators.pipeline_steps import MedianNeighbours, RelevanceWeights

        average = MedianNeighbours if self.loss == "absolute" else KNeighborsRegressor
        steps: list[tuple[str, Any]] = [
            *scaling_steps(),
            ("weigh", RelevanceWeights(columns=self.dimensions)),
            # "brute" saves no tree: its layout is scikit-learn's own and may change with a version.
            (self.LAST, average(min(self.neighbours, rows), algorithm="brute")),
        ]
        return Pipeline(steps)

    def _arrays(self, pipeline: Pipeline) -> dict[str, np.ndarray]:
        """Take the fitted numbers out of the pipeline."""
        from turo.models.estimators.pipeline_steps import MedianNeighbours

        weigh, nearest = pipeline["weigh"], pipeline[self.LAST]
        return {
            "columns": weigh.columns_,
            "weights": weigh.weights_,
            "points": nearest._fit_X,
            "values": nearest._y,
            "neighbours": np.asarray(nearest.n_neighbors),
            "median": np.asarray(isinstance(nearest, MedianNeighbours)),
        }

    def _ready(self) -> Self:
        from scipy.spatial import cKDTree

        self.tree = cKDTree(self.state["points"], leafsize=LEAF)
        return self
