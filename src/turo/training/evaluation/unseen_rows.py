"""Out-of-sample forecasts of training rows, from which means and derived numbers are learnt.

The rolling folds cover only a few weeks, and their residuals depend on the season and the chance of these
weeks. So two more models are fitted, each to half of the vehicles, and forecast the other half in all weeks.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.models.derived import Derivation
from turo.models.mean_shift import MeanShift
from turo.training import fit_derived
from turo.training.recipe import Recipe, take
from turo.training.training_rows import TrainingTable

ROW, LEVEL = "row", "level"
MIN_VEHICLES = 10  # below, half of them say too little about the other half
SEED = 0


def levels(table: TrainingTable, recipe: Recipe, train: np.ndarray, folds: pl.DataFrame) -> pl.DataFrame:
    """Columns row (number in the table) and level (the forecast before the threshold is applied).

    Args:
        train: row numbers that may be used.
        folds: what the rolling folds gave, columns row and level; all there is for a small fleet.
    """
    vehicles = table.rows["vehicle_id"].to_numpy()[train]
    names = np.unique(vehicles)
    if len(names) < MIN_VEHICLES:
        return folds.select(ROW, LEVEL)
    first = np.isin(vehicles, np.random.default_rng(SEED).permutation(names)[: len(names) // 2])
    columns, y = table.columns(), table.y
    frames = [folds.select(ROW, LEVEL)]
    for fitted, asked in ((train[first], train[~first]), (train[~first], train[first])):
        model = recipe.fit(take(columns, fitted), y[fitted])
        frames.append(pl.DataFrame({ROW: asked, LEVEL: model.level(take(columns, asked))}))
    return pl.concat(frames)


def for_sums(
    table: TrainingTable, recipe: Recipe, levels: pl.DataFrame
) -> tuple[MeanShift, Derivation | None]:
    """What turns forecasts into means, and means of days into reservations and revenue.

    Args:
        levels: columns row and level.
    """
    rows, level = levels[ROW].to_numpy(), levels[LEVEL].to_numpy()
    shift = MeanShift.fit(table.y[rows], level)
    mean = recipe.possible(level + shift.at(level))
    return shift, fit_derived.learn(table, recipe.offset, rows, mean)
