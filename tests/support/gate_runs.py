"""Finished training runs of known quality, logged as `turo.training` does, without the pictures."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from turo import settings
from turo.data.fleet_sketch import Identity
from turo.files import sha256_folder
from turo.training import artifacts, training_rows
from turo.training.evaluation.backtest import ACTUAL, HIGH, LOW, PREDICTION, backtest
from turo.training.evaluation.scores import measure
from turo.training.evaluation.split import by_origin
from turo.training.recipe import Recipe, take
from turo.training.reports import model_card
from turo.training.run_facts import tags_of

PARAMS = {"components": 120, "gamma": 0.1}


def fleet(number: int, vehicles: int = 12) -> dict[str, Any]:
    """The fleet of a manifest; those of two numbers have nothing in common."""
    keys = np.arange(1, 40, dtype="<u8") + number * 1000
    half = base64.b64encode(keys.tobytes()).decode()
    return Identity(
        id=f"fleet-{number}",
        profile="canonical",
        vehicles=vehicles,
        reservations=39,
        snapshot="2026-11-24T00:00:00",
        first="2025-10-06",
        last="2026-11-23",
        sketch=f"{half}.{half}",
    ).plain()


def finished(
    name: str, folder: Path, bias: float = 0.0, served_bias: float | None = None, **options: Any
) -> str:
    """Log a run of `name` whose forecasts are off by `bias` days; returns its id.

    Args:
        folder: scratch space.
        served_bias: of the model that would be served, if it differs from the one that is judged.
        options: seed, run_key, target; code: its digest; of_total: the means, as a multiple of what was
            really booked.
    """
    import mlflow

    code = options.pop("code", "the same for all")
    data = training_rows.read(settings.load(), options.get("target", "auto"))
    recipe = Recipe.of(data, "svr", PARAMS, options.get("seed", 1))
    result = backtest(data, recipe)
    holdout = by_origin(data.origins, data.horizon_days).holdout
    assert holdout is not None
    columns = data.columns()
    judged = recipe.fit(take(columns, holdout.train), data.y[holdout.train] + bias)
    judged = replace(judged, maximum=None)
    predicted = judged.predict(take(columns, holdout.test))
    low, high = predicted - 1, predicted + 1
    rows = result.holdout.with_columns(**{PREDICTION: predicted, LOW: low, HIGH: high})
    if (of_total := options.get("of_total")) is not None:
        rows = rows.with_columns(mean=pl.col(ACTUAL) * of_total)
    result = replace(result, holdout=rows, model=judged)
    served = recipe.fit(columns, data.y + (bias if served_bias is None else served_bias))
    scores = measure(data, result, name)
    mlflow.set_experiment(name)
    with mlflow.start_run() as run:
        place = folder / run.info.run_id
        (place / "reports").mkdir(parents=True)
        rows.write_parquet(place / "reports" / artifacts.HOLDOUT)
        model_card.write_comparison(model_card.comparison(scores, result.metric), place / "reports")
        judged.save(place / "reports" / artifacts.EVALUATION)
        mlflow.log_artifacts(str(place / "reports"))
        mlflow.log_metrics(scores.figures)
        if of_total is not None:
            mlflow.log_metric("fleet_bias", of_total - 1)
        # What makes one of these runs differ from another; of real runs the project's parameters and code do.
        mlflow.log_params({**PARAMS, "bias": bias, "served_bias": served_bias, **options})
        mlflow.set_tags(
            {
                **tags_of(name, "svr", options.get("run_key", ""), data, "1"),
                **artifacts.log_forecaster(served, data.rows, place / "served"),
                "turo.evaluation_sha256": sha256_folder(place / "reports" / artifacts.EVALUATION),
                "turo.metric": result.metric,
                "turo.best_baseline": scores.best_baseline,
                **({"turo.code_sha256": code} if code else {}),
            }
        )
    assert {ACTUAL, PREDICTION} <= set(rows.columns)
    return run.info.run_id
