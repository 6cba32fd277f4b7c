"""Gradient-boosted symmetric trees by CatBoost, saved in its own binary format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from turo.models.estimators.base import Loss
from turo.models.estimators.flat_trees import FEW_ROWS
from turo.models.estimators.symmetric_trees import FlatSymmetric

FILE = "model.cbm"
STAMPS = ("model_guid", "train_finish_time")  # without them the same training gives the same file
CONSTANT = 1e-9  # a target that varies less is one value and rounding: a fleet whose books never change
SAMPLING = ("bootstrap_type", "subsample", "bagging_temperature", "sampling_frequency", "mvs_reg")
OBJECTIVES = {"absolute": "MAE", "squared": "RMSE"}


class CatBoost:
    """`params` go to `catboost.CatBoostRegressor`."""

    def __init__(self, *, loss: Loss = "absolute", seed: int = 0, threads: int = 1, **params: Any) -> None:
        self.params = {
            "loss_function": OBJECTIVES[loss],
            "random_seed": seed,
            "thread_count": threads,
            "allow_writing_files": False,  # it would leave a catboost_info folder in the working directory
            "verbose": False,
            **params,
        }
        self.model: Any = None
        self.flat: FlatSymmetric | None = None

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Grow the trees; missing values sort below every number."""
        import catboost

        params = self.params
        if np.ptp(y) <= CONSTANT:  # without gradients there is nothing to draw rows by
            params = {name: value for name, value in params.items() if name not in SAMPLING}
            params |= {"bootstrap_type": "No", "allow_const_label": True}
        self.model = catboost.CatBoostRegressor(**params).fit(X, y)
        notes = self.model.get_metadata()
        for stamp in STAMPS:
            del notes[stamp]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """One thread a prediction: replicas scale the load. A loaded model has flat trees for a few rows."""
        if self.flat is not None and len(X) <= FEW_ROWS:
            return np.array([self.flat.predict(row) for row in X])
        return np.asarray(self.model.predict(X, thread_count=1), dtype=np.float64)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """CatBoost's SHAP values, as `Additive` says."""
        import catboost

        rows = catboost.Pool(X, thread_count=1)
        found = self.model.get_feature_importance(rows, type="ShapValues", thread_count=1)
        return np.asarray(found, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write CatBoost's own binary format."""
        self.model.save_model(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        import catboost

        model = cls()
        model.model = catboost.CatBoostRegressor().load_model(str(folder / FILE))
        model.flat = FlatSymmetric.of(model.model)
        return model
