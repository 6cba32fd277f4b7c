"""MLflow's model flavor: `mlflow.pyfunc.load_model(uri).predict(frame)` gives exactly the served numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from turo.models.encoding import Field
from turo.models.forecaster import Forecaster

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

LOADER = "turo.models.flavor"


class Pyfunc:
    """A frame in, an array out."""

    def __init__(self, forecaster: Forecaster) -> None:
        self.forecaster = forecaster

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Forecasts (rows,), float64; `params` is part of MLflow's protocol and has no meaning here."""
        return self.forecaster.predict(columns_of(model_input, self.forecaster.fields))


def columns_of(frame: pd.DataFrame, fields: tuple[Field, ...]) -> dict[str, np.ndarray]:
    """The arrays a forecaster wants, from a pandas frame with any missing-value marker."""
    columns = {}
    for field in fields:
        series = frame[field.name]
        if field.kind == "number":
            columns[field.name] = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            known = series.notna().to_numpy()
            columns[field.name] = np.where(known, series.to_numpy(dtype=object), None)
    return columns


def signature(fields: tuple[Field, ...]) -> ModelSignature:
    """Every number a double (integers would refuse missing values), every category a string, all required."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        ColSpec("double" if field.kind == "number" else "string", field.name) for field in fields
    ]
    return ModelSignature(Schema(inputs), Schema([TensorSpec(np.dtype(np.float64), (-1,))]))


def _load_pyfunc(path: str) -> Pyfunc:
    """Called by MLflow with the folder `Forecaster.save` wrote."""
    return Pyfunc(Forecaster.load(Path(path)))
