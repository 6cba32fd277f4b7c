"""One XGBoost model (300 trees, 24 features) in every server's format; CatBoost, SVR and KNN for ours."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from turo.files import sha256, sha256_folder
from turo.models.distribution import Distribution, design
from turo.models.encoding import Columns, describe, encode
from turo.models.forecaster import Forecaster
from turo.models.kinds import regressor
from turo.serving.serve_config import ModelSpec, TrainedOn

FEATURES, ROWS, TREES = 24, 20_000, 300
PARAMETERS: dict[str, dict[str, Any]] = {
    "xgboost": {"rounds": TREES, "max_depth": 6},
    "catboost": {"iterations": TREES, "depth": 6},
    "svr": {},
    "knn": {},
}


def columns(features: int = 0) -> Columns:
    """Training rows."""
    generator = np.random.default_rng(5)
    return {f"feature_{number:02}": generator.normal(size=ROWS) for number in range(features or FEATURES)}


def make(kind: str, features: int = 0) -> Forecaster:
    """Fit one model as the platform serves it."""
    data = columns(features)
    y = (
        14
        + 4 * data["feature_00"]
        - 3 * np.sin(data["feature_01"] * 2)
        + data["feature_02"] * data["feature_03"]
    )
    fields = describe(data, ())
    matrix = encode(fields, data)
    fitted = regressor(kind)(**PARAMETERS[kind]).fit(matrix, y)
    level, books = fitted.predict(matrix), np.zeros(ROWS)
    around = Distribution.fit(design(matrix, level, books), books, y)
    return Forecaster(kind, "y_booked_days", 28, "canonical", fields, fitted, distribution=around)


def prepared(folder: Path) -> TrainedOn:
    """A prepared table of 150 vehicles over two years with the model's columns and as many others."""
    import polars as pl

    days = [date(2023, 11, 27) + timedelta(weeks=week) for week in range(104)]
    keys = [(f"V{number}", day) for number in range(150) for day in days]
    table = pl.DataFrame(keys, schema=["vehicle_id", "origin_date"], orient="row")
    generator = np.random.default_rng(7)
    names = [*columns(), *(f"other_{number:02}" for number in range(34))]
    table = table.with_columns(pl.Series(name, generator.normal(size=len(keys))) for name in names)
    table.write_parquet(folder / "datas.parquet")
    digest = sha256(folder / "datas.parquet")
    (folder / "manifest.json").write_text(json.dumps({"digest": digest, "horizon_days": 28}))
    return TrainedOn(data_digest=digest)


def place(kind: str, name: str, cache: Path, trained_on: TrainedOn) -> ModelSpec:
    """Put a model where replicas keep what they fetched, so that the benchmark needs no MLflow server."""
    built = cache / "build"
    make(kind).save(built / "data" / "forecaster")
    row = dict.fromkeys(columns(), 0.25)
    example = {"columns": list(row), "data": [list(row.values())]}
    (built / "input_example.json").write_text(json.dumps(example))
    flavor = {"loader_module": "turo.models.flavor", "data": "data/forecaster"}
    (built / "MLmodel").write_text(json.dumps({"flavors": {"python_function": flavor}}))
    digest = sha256_folder(built / "data" / "forecaster")
    built.rename(cache / f"{name}-1-{digest[:16]}")
    return ModelSpec(
        name=name,
        version="1",
        run_id="bench",
        model_uri="models:/m-bench",
        sha256=digest,
        trained_on=trained_on,
    )


def peers(folder: Path) -> None:
    """The same boosted trees for the others: MLflow's own flavour, and XGBoost's JSON."""
    import mlflow
    import pandas as pd

    booster = make("xgboost").model.booster  # type: ignore[attr-defined]
    booster.save_model(folder / "model.json")
    example = pd.DataFrame([dict.fromkeys(columns(), 0.25)])
    mlflow.xgboost.save_model(booster, folder / "mlflow", input_example=example)


def rows(count: int) -> list[dict[str, float]]:
    """Rows to ask for."""
    names = list(columns())
    values = np.random.default_rng(6).normal(size=(count, FEATURES)).round(4)
    return [dict(zip(names, line, strict=True)) for line in values.tolist()]
