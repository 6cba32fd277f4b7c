"""A small search for better parameters on the rolling folds; the hold-out is never looked at."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from turo.errors import ConfigError
from turo.registry import create_once
from turo.training.evaluation.backtest import ACTUAL, plan_of, run_folds
from turo.training.evaluation.metrics import row_loss
from turo.training.evaluation.unseen_rows import LEVEL
from turo.training.project import Options, Project, Range, Value
from turo.training.recipe import Recipe
from turo.training.training_rows import TrainingTable

if TYPE_CHECKING:
    from optuna.trial import Trial

logger = logging.getLogger(__name__)

TUNED_FOLDS = 3  # the newest ones: enough to rank parameters, and a third cheaper


def search(
    project: Project, params: dict[str, Value], options: Options, data: TrainingTable
) -> dict[str, Value]:
    """The best parameters of `options.tune_trials` tries, the given ones being the first.

    Each try is a nested MLflow run with its parameters and its loss on the folds. Seeded, so a repeated
    search finds the same.

    Raises:
        ConfigError: the project says of none of its parameters where to look.
    """
    if not project.search:
        raise ConfigError(
            f"tune_trials={options.tune_trials}: a project of kind {project.kind!r} has nothing to tune.",
            "Train it with tune_trials=0. Members of an ensemble take the defaults of their own projects: "
            "tune these, and write what was found into their train.py and MLproject.",
        )
    import mlflow
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = plan_of(data).folds[-TUNED_FOLDS:]

    def objective(trial: Trial) -> float:
        tried = params | {name: _suggest(trial, name, space) for name, space in project.search.items()}
        with create_once.start_nested_run(f"trial {trial.number}"):
            recipe = Recipe.of(data, project.kind, tried, options.seed, options.functional)
            forecasts = run_folds(data, recipe, folds)
            metric = recipe.level_metric
            losses = row_loss(forecasts[ACTUAL].to_numpy(), forecasts[LEVEL].to_numpy(), metric)
            mlflow.log_params(tried)
            mlflow.log_metric(f"tune_{metric}", float(np.mean(losses)))
        logger.info("Trial %d: loss %.4f with %s", trial.number, np.mean(losses), tried)
        return float(np.mean(losses))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=options.seed))
    study.enqueue_trial({name: params[name] for name in project.search})
    study.optimize(objective, n_trials=options.tune_trials)
    logger.info("Best of %d trials: %.4f with %s", options.tune_trials, study.best_value, study.best_params)
    return params | study.best_params


def _suggest(trial: Trial, name: str, space: Any) -> Value:
    if not isinstance(space, Range):
        return trial.suggest_categorical(name, list(space))
    if isinstance(space.low, int) and isinstance(space.high, int):
        return trial.suggest_int(name, space.low, space.high, log=space.log)
    return trial.suggest_float(name, space.low, space.high, log=space.log)
