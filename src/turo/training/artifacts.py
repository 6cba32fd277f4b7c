"""Everything a training run logs to MLflow besides its parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from turo.errors import TrainingError
from turo.files import sha256_folder
from turo.models import flavor
from turo.models.forecaster import Forecaster
from turo.models.kinds import regressor
from turo.registry.descriptions import CARD
from turo.table.model_columns import arrays
from turo.table.names import ORIGIN, VEHICLE
from turo.table.targets import unit
from turo.training.evaluation import fleet_totals, group_scores, unseen_rows
from turo.training.evaluation.backtest import BASELINE, DERIVED, OWN, PLACE, Backtest
from turo.training.evaluation.importance import permutation_importance
from turo.training.evaluation.scores import MODEL, Scores
from turo.training.evaluation.unseen_rows import ROW
from turo.training.recipe import Recipe, take
from turo.training.reports import model_card, plots, reference_histograms
from turo.training.training_rows import TrainingTable

HOLDOUT = "holdout.parquet"
PLACES = "places.parquet"  # where what came true of past weeks lay in its own forecast distribution
EVALUATION = "evaluation_model"
EXAMPLE_ROWS = 3
# Packages, by their names in the index, that a saved model needs; their versions are logged with it.
LIBRARIES = {
    "xgboost": ("xgboost",),
    "catboost": ("catboost",),
    "svr": ("scikit-learn", "skops"),
    "knn": ("scikit-learn", "scipy", "skops"),
    "ensemble": ("xgboost", "catboost", "scikit-learn", "scipy", "skops"),
}


@dataclass(frozen=True)
class Outcome:
    """All that a run found out."""

    table: TrainingTable
    result: Backtest
    scores: Scores
    final: Forecaster
    facts: dict[str, Any]


def check(table: TrainingTable, kind: str) -> None:
    """Refuse before the fitting what would fail after it.

    Raises:
        ConfigError: no such kind of model.
        TrainingError: a package that reports or the saved model need is missing, or a feature bears a name
            of the hold-out's own columns.
    """
    regressor(kind)
    for name in ("matplotlib", "mlflow", "numpy", "scikit-learn", *LIBRARIES[kind]):
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError as error:
            raise TrainingError(
                f"The package {name} is missing, without which a {kind} run cannot be logged.",
                "Install the extra `ml` (`uv sync --extra ml`).",
            ) from error
    own = sorted(name for name in table.features if name in OWN or name.startswith((BASELINE, DERIVED)))
    if own:
        raise TrainingError(
            f"The table has columns named like the forecasts of the hold-out: {', '.join(own)}.",
            "Rename them in vehicles.csv and run `turo prepare` again.",
        )


def write_reports(outcome: Outcome, folder: Path) -> None:
    """Write hold-out forecasts, comparison, card, pictures, reference histograms, evaluation model."""
    table, result, scores, facts = outcome.table, outcome.result, outcome.scores, outcome.facts
    folder.mkdir(parents=True, exist_ok=True)
    result.holdout.write_parquet(folder / HOLDOUT)
    if table.timed:
        places_of(table, result).write_parquet(folder / PLACES)
    if result.totals is not None:
        result.totals.write_csv(folder / fleet_totals.FILE, float_precision=4)
    scores.groups.write_csv(folder / group_scores.FILE, float_precision=4)
    model_card.write_comparison(model_card.comparison(scores, result.metric), folder)
    (folder / CARD).write_text(model_card.card(facts, scores, result))
    judged = result.model or outcome.final
    importance = permutation_importance(
        judged,
        arrays(result.holdout, table.features),
        result.holdout["y"].to_numpy(),
        result.metric,
        facts["seed"],
    )
    importance.write_csv(folder / "importance.csv")
    pictures = folder / "plots"
    pictures.mkdir()
    plots.draw(result, importance, scores.titles[MODEL], unit(table.target), pictures)
    (folder / "reference.json").write_text(json.dumps(_reference(table, outcome.final)) + "\n")
    if result.model is not None:
        result.model.save(folder / EVALUATION)


def places_of(table: TrainingTable, result: Backtest) -> pl.DataFrame:
    """vehicle_id, origin_date, place (0 to 1) of the folds and the hold-out."""
    keyed = table.rows[result.folds[ROW].to_numpy()].select(VEHICLE, ORIGIN).with_columns(result.folds[PLACE])
    return pl.concat([keyed, result.holdout.select(VEHICLE, ORIGIN, PLACE)]).drop_nulls(PLACE)


def final_model(
    model: Forecaster, table: TrainingTable, recipe: Recipe, result: Backtest, info: dict[str, Any]
) -> Forecaster:
    """The model to serve, with what the out-of-sample forecasts taught and its own description."""
    evaluated = result.model.distribution if result.model else None
    level = None if evaluated is None else evaluated.level
    known = unseen_rows.taught(table, recipe, model, result.levels, level)
    return replace(known, metadata=info)


def log_forecaster(model: Forecaster, example: pl.DataFrame, folder: Path) -> dict[str, str]:
    """Log a forecaster as an MLflow model; returns the tags by which it is found and verified.

    Args:
        example: rows with the model's features; those with the fewest gaps become the input example.
        folder: where the forecaster's files may be written, must not exist.

    Raises:
        TrainingError: MLflow kept no signature.
    """
    import mlflow

    model.save(folder)
    names = tuple(field.name for field in model.fields)
    packages = ("mlflow", "numpy", *LIBRARIES[model.kind])
    logged = mlflow.pyfunc.log_model(
        name="model",
        loader_module=flavor.LOADER,
        data_path=str(folder),
        signature=flavor.signature(model.fields),
        input_example=_example(example, names),
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in packages],
        metadata={
            "turo": metadata.version("turo"),
            "target": model.target,
            "horizon_days": model.horizon_days,
        },
    )
    if logged.signature is None or not logged.signature.inputs:
        raise TrainingError("MLflow logged the model without a signature.", "Check the table's column types.")
    return {"turo.model_uri": logged.model_uri, "turo.model_sha256": sha256_folder(folder)}


def _example(rows: pl.DataFrame, names: tuple[str, ...]) -> Any:
    """The newest rows among those with the fewest gaps, in pandas, with the types of the signature."""
    import pandas as pd

    gaps = rows.select(pl.sum_horizontal(pl.col(names).is_null().cast(pl.Int32)).alias("gaps"))[
        "gaps"
    ].to_numpy()
    chosen = np.sort(np.lexsort((-np.arange(len(rows)), gaps))[:EXAMPLE_ROWS])
    columns = arrays(rows[chosen], names)
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})


def _reference(table: TrainingTable, model: Forecaster) -> dict[str, Any]:
    chosen = reference_histograms.reference_rows(table.rows, table.horizon_days)
    columns = take(table.columns(), chosen)
    weeks = reference_histograms.weeks_of(table.rows[chosen], table.horizon_days)
    return reference_histograms.histograms(model.fields, columns, model.predict(columns), weeks)
