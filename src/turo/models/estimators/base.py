"""What every estimator offers, whatever library it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np

Loss = Literal["absolute", "squared"]


class Regressor(Protocol):
    """Fits a matrix with NaN for missing values, predicts float64, and saves itself without pickle.

    A row's prediction does not depend on the rows sent along with it; `predict` may run in several threads.
    """

    def __init__(
        self, *, loss: Loss = "absolute", seed: int = 0, threads: int = 1, **params: Any
    ) -> None: ...

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from X (rows, features) and y (rows,)."""
        ...

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions (rows,) as float64."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted state below `folder`, which exists."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...


@runtime_checkable
class Additive(Protocol):
    """A regressor that can say what each column adds to a prediction."""

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """SHAP values (rows, columns + 1); the last is the mean that they start from. A row's sum is its
        prediction, to 1e-5 of its size."""
        ...


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write named arrays as `.npz` without pickle."""
    np.savez(path, allow_pickle=False, **arrays)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `save_arrays` wrote; an object array (which would need pickle) is refused by numpy."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def row_blocks(rows: int, size: int) -> Sequence[slice]:
    """Slices of at most `size` rows, so that intermediate results stay in the cache."""
    return [slice(start, start + size) for start in range(0, rows, size)]
