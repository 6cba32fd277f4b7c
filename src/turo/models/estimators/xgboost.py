"""Gradient-boosted trees by XGBoost, saved as UBJSON."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Self

import numpy as np

from turo.models.estimators.base import Loss
from turo.models.estimators.flat_trees import FEW_ROWS, FlatTrees

FILE = "model.ubj"
# XGBoost's description of an array (address, rows, columns) and of a plain prediction.
ARRAY = b'{"data": [%d, true], "shape": [%d, %d], "strides": null, "typestr": "<f4", "version": 3}'
CALL = (
    b'{"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0, "missing": NaN, '
    b'"strict_shape": false, "cache_id": 0}'
)
LARGEST = float(np.finfo(np.float32).max)
OBJECTIVES = {"absolute": "reg:absoluteerror", "squared": "reg:squarederror"}


class XGBoost:
    """`params` go to `xgboost.train`, except `rounds`, the number of trees."""

    def __init__(
        self, *, loss: Loss = "absolute", seed: int = 0, threads: int = 1, rounds: int = 300, **params: Any
    ) -> None:
        self.rounds = rounds
        self.params = {
            "objective": OBJECTIVES[loss],
            "seed": seed,
            "nthread": threads,
            "tree_method": "hist",
            **params,
        }
        self.booster: Any = None
        self.flat: FlatTrees | None = None

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Grow the trees; missing values choose their own branch."""
        import xgboost

        data = xgboost.QuantileDMatrix(
            X, label=y, nthread=self.params["nthread"], max_bin=self.params.get("max_bin", 256)
        )
        self.booster = xgboost.train(self.params, data, num_boost_round=self.rounds)
        return self._ready()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """XGBoost's in-place prediction by its C interface: thread-safe, the same bits as `inplace_predict`.

        The Python wrapper around that call takes longer than a prediction of a few rows; the flat trees of a
        loaded model need not even the call.
        """
        import xgboost

        if self.flat is not None and len(X) <= FEW_ROWS:
            with np.errstate(over="ignore"):
                return np.array([self.flat.predict(row) for row in X.astype(np.float32)], dtype=np.float64)
        with np.errstate(over="ignore"):  # beyond single precision is beyond every split
            matrix = np.ascontiguousarray(X, dtype=np.float32)
        rows, columns = matrix.shape
        address = ARRAY % (matrix.ctypes.data, rows, columns)
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        result = ctypes.POINTER(ctypes.c_float)()
        library = xgboost.core._LIB
        failed = library.XGBoosterPredictFromDense(
            self.booster.handle, address, CALL, None,
            ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(result),
        )  # fmt: skip
        if failed:
            raise xgboost.core.XGBoostError(library.XGBGetLastError().decode())
        # The result belongs to the library and to this thread until its next call: the cast copies it.
        return np.ctypeslib.as_array(result, (rows,)).astype(np.float64)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """XGBoost's SHAP values, as `Additive` says."""
        import xgboost

        # It refuses what is infinite in single precision; the largest number is beyond every split as well.
        data = xgboost.DMatrix(np.clip(X, -LARGEST, LARGEST).astype(np.float32), nthread=1)
        return np.asarray(self.booster.predict(data, pred_contribs=True), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write XGBoost's own binary JSON."""
        self.booster.save_model(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        import xgboost

        model = cls()
        model.booster = xgboost.Booster()
        model.booster.load_model(folder / FILE)
        model._ready()
        model.flat = FlatTrees.of(model.booster)
        return model

    def _ready(self) -> Self:
        # One thread a prediction: replicas scale the load, and waking a thread pool costs more than one row.
        self.booster.set_param({"nthread": 1})
        return self
