"""Support vector regression with an approximated radial kernel, by scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from turo.models.estimators.base import Loss, row_blocks
from turo.models.estimators.pipeline_model import PipelineModel
from turo.models.estimators.scaling import scaling_steps

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

BLOCK = 8  # rows that go through BLAS together
FLOOR = 0.1  # of a column's weight in the distance
TOLERANCE = 1e-3  # of the solver: further digits do not move a forecast
SWEEPS = 300  # of the solver, at most: large C would go on for minutes
LOSSES = {"absolute": "epsilon_insensitive", "squared": "squared_epsilon_insensitive"}


@dataclass(kw_only=True)
class KernelSVR(PipelineModel):
    """Linear SVR on a Nyström map of the radial kernel; `gamma` is divided by the number of columns.

    Usable at 200,000 rows because the kernel is approximated from `components` landmark rows and at most
    `fit_rows` rows (seeded samples) are used: cost grows with rows times components, not with rows squared.
    """

    LAST = "regress"
    loss: Loss = "absolute"
    seed: int = 0
    threads: int = 1
    components: int = 500
    gamma: float = 0.3
    C: float = 0.7
    epsilon: float = 0.2
    fit_rows: int = 50_000

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Choose rows, then fit the pipeline to them."""
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits

        chosen = np.sort(np.random.default_rng(self.seed).permutation(len(X))[: self.fit_rows])
        # BLAS threads spin while they wait, which next to other trainings costs five times what they gain.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # see SWEEPS
            return self._serve(self._pipeline(len(chosen)).fit(X[chosen], y[chosen]))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """What the pipeline predicts: a sum of kernels to the landmarks, weighted.

        BLAS rounds a row differently in batches of different sizes, so rows go through it in blocks of one
        fixed shape, the last one padded: a row gets the same bits alone and among ten thousand (tested; a
        BLAS that treats places within a block differently could still vary in the last bit). Blocks are
        small enough for BLAS to stay in the calling thread. The pipeline itself takes many times as long
        for one row (`benchmarks/serving_pipelines.py`).
        """
        state, rows = self.state, len(X)
        Z = np.zeros((-(-rows // BLOCK) * BLOCK, len(state["landmarks"])))
        Z[:rows] = self.scaler.transform(X) * state["importance"]
        result = np.empty(rows)
        for part in row_blocks(len(Z), BLOCK):
            real = min(BLOCK, rows - part.start)  # what is done row by row need not be done to the padding
            products = (2.0 * Z[part] @ state["landmarks"])[:real]
            block = Z[part][:real]
            squares = np.add.reduce(block * block, axis=1)[:, None] + state["norms"] - products
            kernel = np.exp(-state["gamma"] * np.maximum(squares, 0.0))
            result[part.start : part.start + real] = np.add.reduce(kernel * state["weights"], axis=1)
        return result + state["bias"]

    def _pipeline(self, rows: int) -> Pipeline:
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.kernel_approximation import Nystroem
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import LinearSVR

        from turo.models.estimators.pipeline_steps import RelevanceWeights

        linear = LinearSVR(
            loss=LOSSES[self.loss], epsilon=self.epsilon, C=self.C, tol=TOLERANCE, max_iter=SWEEPS,
            dual=self.loss == "absolute", random_state=self.seed,
        )  # fmt: skip
        steps: list[tuple[str, Any]] = [
            *scaling_steps(),
            # Nystroem divides by the number of columns; the factor before it is in the weights.
            ("weigh", RelevanceWeights(floor=FLOOR, power=0.5, mean_square=self.gamma)),
            ("kernel", Nystroem(n_components=min(self.components, rows), random_state=self.seed)),
            (self.LAST, TransformedTargetRegressor(linear, transformer=StandardScaler())),
        ]
        return Pipeline(steps)

    def _arrays(self, pipeline: Pipeline) -> dict[str, np.ndarray]:
        """Take the fitted numbers out of the pipeline; kernel map and target's scale are multiplied out."""
        kernel, target = pipeline["kernel"], pipeline[self.LAST]
        linear, spread = target.regressor_, target.transformer_.scale_[0]
        landmarks = kernel.components_
        return {
            "importance": pipeline["weigh"].weights_,
            "landmarks": np.ascontiguousarray(landmarks.T),
            "norms": (landmarks**2).sum(axis=1),
            "gamma": np.asarray(1.0 / landmarks.shape[1]),
            "weights": kernel.normalization_.T @ linear.coef_ * spread,
            "bias": np.asarray(float(np.ravel(linear.intercept_)[0]) * spread + target.transformer_.mean_[0]),
        }
