"""One training run, the same for every project: read, backtest, refit, report, log."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path

from turo.errors import kind
from turo.files import sha256_folder
from turo.registry import create_once
from turo.settings import Settings
from turo.training import artifacts, ensemble, training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.scores import measure
from turo.training.project import Options, Project, Value
from turo.training.recipe import Recipe
from turo.training.run_facts import check_history, describe, tags_of

logger = logging.getLogger(__name__)

EXPERIMENT = "turo"


def run(project: Project, params: dict[str, Value], options: Options, settings: Settings) -> str:
    """Train, evaluate and log one model; returns the MLflow run id.

    Under `mlflow run` the run that MLflow opened is used, else a new one in the experiment `turo`.

    Raises:
        TrainingError: no usable table or too little history; the failed run carries the reason as a tag.
    """
    import mlflow

    mlflow.set_tracking_uri(settings.mlflow_tracking_uri)
    with mlflow.start_run() if settings.mlflow_run_id else create_once.start_run(EXPERIMENT) as active:
        try:
            _train(project, params, options, settings)
        except Exception as error:
            mlflow.set_tag("turo.error", str(error)[:4000] or type(error).__name__)
            mlflow.set_tag("turo.error_kind", kind(error))
            raise
    return active.info.run_id


def _train(project: Project, params: dict[str, Value], options: Options, settings: Settings) -> None:
    import mlflow

    started = time.monotonic()
    name = options.model_name or project.kind
    data = training_rows.read(
        settings, training_rows.asked_target(options.target, settings), options.horizon_days
    )
    check_history(data)
    artifacts.check(data, project.kind)
    mlflow.set_tags(tags_of(name, project.kind, options.run_key, data, settings.code_version))
    if options.tune_trials:
        from turo.training.tune import search

        params = search(project, params, options, data)
    recipe = Recipe.of(data, project.kind, params, options.seed, options.functional)
    recipe, weights, folds = ensemble.weighed(project, recipe, data)
    params = {**params, **weights}
    result = backtest(data, recipe, folds)
    scores = measure(data, result, name)
    logger.info(
        "%s: %s", name, ", ".join(f"{key} {value:.4f}" for key, value in sorted(scores.figures.items()))
    )
    facts = {
        **describe(name, project, params, options, data),
        "functional": recipe.functional,
        "code_version": settings.code_version,
    }
    final = artifacts.final_model(recipe.fit(data.columns(), data.y), data, recipe, result, facts)
    with tempfile.TemporaryDirectory() as temporary:
        reports = Path(temporary) / "reports"
        artifacts.write_reports(artifacts.Outcome(data, result, scores, final, facts), reports)
        mlflow.log_artifacts(str(reports))
        tags = artifacts.log_forecaster(final, data.rows, Path(temporary) / "forecaster")
        if result.model is not None:
            tags["turo.evaluation_sha256"] = sha256_folder(reports / artifacts.EVALUATION)
    _log_params(params, options)
    mlflow.log_metrics({**scores.figures, "training_seconds": time.monotonic() - started})
    mlflow.set_tags({**tags, "turo.metric": result.metric, "turo.best_baseline": scores.best_baseline})


def _log_params(params: dict[str, Value], options: Options) -> None:
    """Under `mlflow run` MLflow has logged what was passed; what tuning found is logged beside it."""
    import mlflow

    active = mlflow.active_run()
    logged = mlflow.MlflowClient().get_run(active.info.run_id).data.params if active else {}
    chosen = ("target", "functional", "seed", "tune_trials")
    wanted = {**params, **{key: getattr(options, key) for key in chosen}}
    mlflow.log_params({key: value for key, value in wanted.items() if key not in logged})
    changed = {
        f"tuned_{key}": value for key, value in params.items() if logged.get(key, str(value)) != str(value)
    }
    mlflow.log_params(changed)
