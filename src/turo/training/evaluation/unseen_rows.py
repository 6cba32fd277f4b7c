"""Out-of-sample forecasts of training rows, from which distributions and derived numbers are learnt.

The rolling folds cover only a few weeks, and their residuals depend on the season and the chance of these
weeks. So two more models are fitted, each to half of the vehicles, and forecast the other half in all weeks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from turo.models.distribution import COVERAGE, JUDGED, Distribution, needed_level
from turo.models.forecaster import Forecaster
from turo.training import fit_derived
from turo.training.recipe import Recipe, take
from turo.training.training_rows import TrainingTable

ROW, LEVEL = "row", "level"
MIN_VEHICLES = 10  # below, half of them say too little about the other half
SEED = 0


def levels(table: TrainingTable, recipe: Recipe, train: np.ndarray, folds: pl.DataFrame) -> pl.DataFrame:
    """Columns row (number in the table) and level (what the regressor expects, see Forecaster).

    Args:
        train: row numbers that may be used.
        folds: what the rolling folds gave, columns row and level; all there is for a small fleet.
    """
    vehicles = table.rows["vehicle_id"].to_numpy()[train]
    names = np.unique(vehicles)
    if len(names) < MIN_VEHICLES:
        return folds.select(ROW, LEVEL)
    first = _half(vehicles)
    columns, y = table.columns(), table.y
    frames = [folds.select(ROW, LEVEL)]
    for fitted, asked in ((train[first], train[~first]), (train[~first], train[first])):
        model = recipe.fit(take(columns, fitted), y[fitted])
        frames.append(pl.DataFrame({ROW: asked, LEVEL: model.level(take(columns, asked))}))
    return pl.concat(frames)


def taught(
    table: TrainingTable,
    recipe: Recipe,
    model: Forecaster,
    levels: pl.DataFrame,
    interval: float | None = None,
) -> Forecaster:
    """The model with the distribution around its forecasts, and how reservations and revenue follow.

    Args:
        levels: columns row and level.
        interval: probability that intervals need, where it is known already.
    """
    rows, level = levels[ROW].to_numpy(), levels[LEVEL].to_numpy()
    columns = take(table.columns(), rows)
    design, books = model.design(columns, level), model.books(columns)
    if interval is None:
        interval = _interval_level(table, recipe, design, books, rows) if table.timed else COVERAGE
    found = _fit(table, recipe, design, books, rows)
    mean = found.mean(design, books, model.maximum)
    return replace(
        model,
        distribution=replace(found, level=interval),
        derivation=fit_derived.learn(table, recipe.offset, rows, mean),
    )


def around(table: TrainingTable, recipe: Recipe, model: Forecaster, levels: pl.DataFrame) -> Distribution:
    """The distribution of what came true around these levels (columns row and level)."""
    rows = levels[ROW].to_numpy()
    columns = take(table.columns(), rows)
    design = model.design(columns, levels[LEVEL].to_numpy())
    return _fit(table, recipe, design, model.books(columns), rows)


def _fit(
    table: TrainingTable, recipe: Recipe, design: np.ndarray, books: np.ndarray, rows: np.ndarray
) -> Distribution:
    return Distribution.fit(design, books, table.y[rows], recipe.seed, recipe.threads)


def _interval_level(
    table: TrainingTable, recipe: Recipe, design: np.ndarray, books: np.ndarray, rows: np.ndarray
) -> float:
    """What intervals of either half of the vehicles need by a distribution learnt from the other half."""
    y, first = table.y[rows], _half(table.rows["vehicle_id"].to_numpy()[rows])
    found = []
    for learnt, asked in ((first, ~first), (~first, first)):
        if not (learnt.any() and asked.any()):
            return COVERAGE
        judged = _some(asked)
        half = Distribution.fit(design[learnt], books[learnt], y[learnt], recipe.seed, recipe.threads)
        spread = half.spread(design[judged], books[judged], 0.0, recipe.maximum)
        found.append(needed_level(spread, y[judged]))
    return float(np.mean(found))


def _some(marked: np.ndarray) -> np.ndarray:
    """Numbers of marked rows, of many a part."""
    rows = np.flatnonzero(marked)
    return np.sort(np.random.default_rng(SEED).permutation(rows)[:JUDGED])


def _half(vehicles: np.ndarray) -> np.ndarray:
    """Marks the rows of half of the vehicles."""
    names = np.unique(vehicles)
    return np.isin(vehicles, np.random.default_rng(SEED).permutation(names)[: len(names) // 2])
