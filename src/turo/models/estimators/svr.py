"""Support vector regression with an approximated radial kernel, numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from turo.models.estimators.base import Loss, load_arrays, row_blocks, save_arrays
from turo.models.estimators.scaling import Scaler, relevance

FILE = "model.npz"
BLOCK = 8  # rows that go through BLAS together
FIT_BLOCK = 8192
FLOOR = 0.1  # of a column's weight in the distance
ITERATIONS = 10
SMOOTH = 1e-2  # where the corner of the loss is rounded, in standard deviations of the target


@dataclass(kw_only=True)
class KernelSVR:
    """Epsilon-insensitive regression on a Nyström map of the radial kernel.

    Usable at 200,000 rows because the kernel is approximated from `components` landmark rows and at most
    `fit_rows` rows (seeded samples) are used: cost grows with rows times components squared, not with rows
    squared. The primal objective (Chapelle 2007, Training a support vector machine in the primal) is solved
    by reweighted least squares: deterministic, a few dozen small solves.
    """

    loss: Loss = "absolute"
    seed: int = 0
    threads: int = 1
    components: int = 300
    gamma: float = 0.6
    C: float = 1.0
    epsilon: float = 0.1
    fit_rows: int = 50_000

    def __post_init__(self) -> None:
        self.state: dict[str, np.ndarray] = {}
        self.scaler: Scaler

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Choose rows and landmarks, then solve for the weights; `gamma` is divided by the column count."""
        from threadpoolctl import threadpool_limits

        # BLAS threads spin while they wait, which next to other trainings costs five times what they gain.
        with threadpool_limits(1):
            return self._fit(X, y)

    def _fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        generator = np.random.default_rng(self.seed)
        chosen = np.sort(generator.permutation(len(X))[: self.fit_rows])
        self.scaler = Scaler.fit(X[chosen])
        Z = self.scaler.transform(X[chosen])
        importance = FLOOR + (1.0 - FLOOR) * np.sqrt(relevance(Z, y[chosen]))
        importance /= np.sqrt((importance**2).mean())
        Z *= importance
        landmarks = Z[np.sort(generator.permutation(len(Z))[: self.components])]
        gamma = self.gamma / Z.shape[1]
        whiten = _inverse_root(_kernel_fast(landmarks, landmarks, gamma))
        features = np.concatenate(
            [_kernel_fast(Z[part], landmarks, gamma) @ whiten for part in row_blocks(len(Z), FIT_BLOCK)]
        )
        centre, spread = float(np.median(y[chosen])), float(y[chosen].std()) or 1.0
        weights, bias = self._solve(features, (y[chosen] - centre) / spread)
        self.state = {
            **self.scaler.arrays(),
            "importance": importance,
            "landmarks": np.ascontiguousarray(landmarks.T),
            "norms": (landmarks**2).sum(axis=1),
            "gamma": np.asarray(gamma),
            "weights": whiten @ weights * spread,
            "bias": np.asarray(centre + bias * spread),
        }
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Sum of kernels to the landmarks, weighted.

        BLAS rounds a row differently in batches of different sizes, so rows go through it in blocks of one
        fixed shape, the last one padded: a row gets the same bits alone and among ten thousand (tested; a
        BLAS that treats places within a block differently could still vary in the last bit). Blocks are
        small enough for BLAS to stay in the calling thread.
        """
        state, rows = self.state, len(X)
        Z = np.zeros((-(-rows // BLOCK) * BLOCK, len(state["landmarks"])))
        Z[:rows] = self.scaler.transform(X) * state["importance"]
        result = np.empty(len(Z))
        for part in row_blocks(len(Z), BLOCK):
            block = Z[part]
            squares = (
                np.add.reduce(block * block, axis=1)[:, None]
                + state["norms"]
                - 2.0 * block @ state["landmarks"]
            )
            kernel = np.exp(-state["gamma"] * np.maximum(squares, 0.0))
            result[part] = np.add.reduce(kernel * state["weights"], axis=1)
        return result[:rows] + state["bias"]

    def save(self, folder: Path) -> None:
        """Write landmarks, weights and scaling as plain arrays."""
        save_arrays(folder / FILE, **self.state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        model = cls()
        model.state = load_arrays(folder / FILE)
        model.scaler = Scaler.from_arrays(model.state)
        return model

    def _solve(self, features: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        """Weights and bias of the standardised target, by iteratively reweighted least squares."""
        design = np.concatenate([features, np.ones((len(features), 1))], axis=1)
        penalty = np.full(design.shape[1], 1.0 / self.C)
        penalty[-1] = 1e-9  # the bias is free
        solution = np.zeros(design.shape[1])
        sample_weights = np.ones(len(y))
        for _ in range(ITERATIONS if self.loss == "absolute" else 1):
            weighted = design * sample_weights[:, None]
            updated = np.linalg.solve(design.T @ weighted + np.diag(penalty), weighted.T @ y)
            step = np.abs(updated - solution).max()
            solution = updated
            if step < 1e-4:
                break
            excess = np.abs(y - design @ solution)
            # Inside the tube a residual costs nothing; outside, its square over its size is the absolute one.
            sample_weights = np.maximum(excess - self.epsilon, 0.0) / np.maximum(excess, SMOOTH) ** 2 + 1e-6
        return solution[:-1], float(solution[-1])


def _kernel_fast(A: np.ndarray, B: np.ndarray, gamma: float) -> np.ndarray:
    """Radial kernel (rows of A, rows of B) by BLAS; for training, where last bits do not matter."""
    squares = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2.0 * A @ B.T
    return np.exp(-gamma * np.maximum(squares, 0.0))


def _inverse_root(kernel: np.ndarray) -> np.ndarray:
    """Inverse square root of a kernel matrix; directions without substance are dropped."""
    values, vectors = np.linalg.eigh(kernel)
    keep = values > values.max() * 1e-8
    return vectors[:, keep] / np.sqrt(values[keep])
