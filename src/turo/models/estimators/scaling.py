"""Imputation and scaling for the distance-based models, learnt from the training rows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

CLIP = 5.0  # standard deviations; models saved as arrays were clipped here, too
IMPUTE, SCALE = "impute", "scale"


def scaling_steps() -> list[tuple[str, Any]]:
    """Medians for gaps, a flag column for each column that had gaps, then zero mean and unit variance.

    A column without any value becomes a constant zero. Categories are one-hot columns already
    (`turo.models.encoding`, for all estimators), so every column is treated alike.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return [(IMPUTE, imputer), (SCALE, StandardScaler())]


@dataclass(frozen=True)
class Scaler:
    """What those steps and the clipping after them do, in a few numpy calls: much faster for one row."""

    median: np.ndarray
    flagged: np.ndarray  # positions of the columns that get a missing flag
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """From a fitted pipeline that begins with `scaling_steps`."""
        imputer, standard = pipeline[IMPUTE], pipeline[SCALE]
        return cls(imputer.statistics_, imputer.indicator_.features_, standard.mean_, standard.scale_)

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """From the arrays that models were saved as before they were pipelines."""
        return cls(*(arrays[f"scaler_{name}"] for name in ("median", "flagged", "mean", "scale")))

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Matrix (rows, features + flags), clipped to ±5 standard deviations; each row on its own."""
        missing = np.isnan(X)
        filled = np.where(missing, self.median, X)
        whole = np.concatenate([filled, missing[:, self.flagged].astype(np.float64)], axis=1)
        return np.clip((whole - self.mean) / self.scale, -CLIP, CLIP)
