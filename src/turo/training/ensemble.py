"""A weighted ensemble: who its members are, and the weights that their forecasts of the folds ask for.

The folds are over before the hold-out begins, so no weight was chosen on rows of the hold-out. The level of a
fold is made with the weights that the other folds ask for.
"""

from __future__ import annotations

import logging
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from turo.errors import ConfigError
from turo.models.encoding import encode
from turo.models.estimators.ensemble import MEMBERS, NAME, Member
from turo.training.evaluation import greedy_weights
from turo.training.evaluation.backtest import ACTUAL, FOLD, plan_of
from turo.training.evaluation.metrics import row_loss
from turo.training.evaluation.split import Split
from turo.training.evaluation.unseen_rows import LEVEL, ROW
from turo.training.project import MEMBERS_PARAM, Project, Value
from turo.training.recipe import Recipe, take
from turo.training.training_rows import TrainingTable

logger = logging.getLogger(__name__)

ROUNDS_PARAM, WEIGHT_PARAM = "rounds", "weight_"
LEAST = 2


@dataclass(frozen=True)
class _Fold:
    """What each member expects on top of the books of rows it was not fitted to, and what came true."""

    rows: np.ndarray
    books: np.ndarray
    y: np.ndarray
    expected: np.ndarray  # (rows, members)


def weighed(
    project: Project, recipe: Recipe, table: TrainingTable
) -> tuple[Recipe, dict[str, Value], pl.DataFrame | None]:
    """The recipe with members and weights, the weights as parameters to log, and the folds' forecasts.

    The last are what `run_folds` gives. A project that is no ensemble: its recipe as it is, no weights, None.

    Raises:
        ConfigError: fewer than two members, one that is no project, or no part of an ensemble can be.
    """
    if project.members_in is None:
        return recipe, {}, None
    projects = _members(project.members_in, str(recipe.params[MEMBERS_PARAM]))
    recipes = [replace(recipe, kind=member.kind, params=member.params) for member in projects.values()]
    rounds = max(1, int(recipe.params[ROUNDS_PARAM]))
    folds = [_fold(table, recipes, split) for split in plan_of(table).folds]
    weights = _weights(recipe, folds, rounds)
    members = {
        name: Member(member.kind, float(weight), member.params)
        for (name, member), weight in zip(projects.items(), weights, strict=True)
    }
    told: dict[str, Value] = {WEIGHT_PARAM + name: member.weight for name, member in members.items()}
    logger.info("Weights by %d folds: %s", len(folds), told)
    frames = []
    for number, fold in enumerate(folds):
        others = _weights(recipe, [other for other in folds if other is not fold], rounds)
        level = recipe.possible(fold.books + fold.expected @ others)
        frames.append(pl.DataFrame({ROW: fold.rows, FOLD: number, ACTUAL: fold.y, LEVEL: level}))
    return replace(recipe, params={"members": members}), told, pl.concat(frames)


def _members(folder: Path, listed: str) -> Mapping[str, Project]:
    """The projects of the members by name, in the order they are listed."""
    names = [name.strip() for name in listed.split(",")]
    if len(set(names)) < LEAST or len(set(names)) < len(names):
        raise ConfigError(
            f"An ensemble of {listed!r} has not {LEAST} different members.",
            "List folders of projects by comma, each once: members=xgboost,svr,catboost,knn.",
        )
    found = {}
    for name in names:
        file = folder / name / "train.py"
        if not NAME.fullmatch(name) or not file.is_file():
            raise ConfigError(
                f"The ensemble's member {name!r} is no project: there is no {file}.",
                f"Name folders in {folder}.",
            )
        found[name] = runpy.run_path(str(file))["PROJECT"]
        if found[name].kind not in MEMBERS:
            raise ConfigError(
                f"{name!r} is of kind {found[name].kind!r}, which cannot be a member of an ensemble.",
                f"Members are of kind {', '.join(MEMBERS)}.",
            )
    return found


def _fold(table: TrainingTable, recipes: list[Recipe], split: Split) -> _Fold:
    columns, y, offset = table.columns(), table.y, recipes[0].offset
    train, test = take(columns, split.train), take(columns, split.test)
    expected = []
    for recipe in recipes:
        fitted = recipe.fit(train, y[split.train])
        expected.append(fitted.model.predict(encode(fitted.fields, test)))
    books = np.nan_to_num(test[offset]) if offset else np.zeros(len(split.test))
    return _Fold(split.test, books, y[split.test], np.stack(expected, axis=1))


def _weights(recipe: Recipe, folds: list[_Fold], rounds: int) -> np.ndarray:
    """By the error that levels are fitted for, over the rows of all these folds."""
    books, y = (np.concatenate([getattr(fold, name) for fold in folds]) for name in ("books", "y"))

    def loss(expected: np.ndarray) -> float:
        return float(row_loss(y, recipe.possible(books + expected), recipe.level_metric).mean())

    return greedy_weights.choose(np.concatenate([fold.expected for fold in folds]), loss, rounds)
