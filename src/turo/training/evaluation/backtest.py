"""Rolling folds, then the hold-out: the model's and every baseline's forecasts on the same unseen rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.models.distribution import COVERAGE, Distribution, design
from turo.models.encoding import describe, encode
from turo.models.forecaster import MEAN as OF_MEAN
from turo.models.forecaster import Forecaster, Outlook
from turo.models.spread import QUANTILE_NAMES, QUANTILES, Spread
from turo.table.names import META, ORIGIN
from turo.training.evaluation import fleet_totals, metrics, unseen_rows
from turo.training.evaluation.baselines import table_baselines, time_baselines
from turo.training.evaluation.split import Plan, Split, by_origin, by_vehicle
from turo.training.evaluation.unseen_rows import LEVEL, ROW
from turo.training.recipe import Recipe, take
from turo.training.training_rows import TrainingTable

logger = logging.getLogger(__name__)

SEED = 0  # of the chance by which what came true is placed among equal values
MIN_ROWS = 400  # forecasts before the first fold from which its distribution can be learnt
COLD_START_DAYS = 182  # a vehicle newer than half a year has no last year and few windows of its own
PREDICTION, MEAN, LOW, HIGH, ACTUAL, FOLD = "prediction", "mean", "low", "high", "y", "fold"
CRPS, PLACE = "crps", "place"
BASELINE, DERIVED = "baseline_", "derived_"
# Columns the hold-out has besides the table's.
OWN = frozenset({PREDICTION, MEAN, LOW, HIGH, ACTUAL, CRPS, PLACE, *QUANTILE_NAMES})


@dataclass(frozen=True)
class Backtest:
    """What was measured.

    Attributes:
        holdout: one row for each row tested, keys and features of the table plus y, prediction (median or
            mean, as the recipe says), mean, low, high, quantiles (q05 ...), crps (the score of the whole
            distribution), place (of y in it), baseline_<name> and, where they can be derived,
            derived_reservations and derived_revenue. Without dates the out-of-fold forecasts of all rows.
        folds: row, fold, y, level and prediction of the rolling folds (without dates the same rows as
            `holdout`), and the place of y where there are dates.
        levels: row and level of all forecasts of unseen rows, the hold-out's among them: what the
            distribution of the final model is learnt from.
        model: the forecaster fitted before the hold-out; None without dates.
        scale: what MASE is measured in.
        metric: by which forecasts are judged.
        totals: the fleet's total at each hold-out origin, see `fleet_totals`; None without dates.
    """

    holdout: pl.DataFrame
    folds: pl.DataFrame
    levels: pl.DataFrame
    model: Forecaster | None
    scale: float
    metric: str
    totals: pl.DataFrame | None = None

    @property
    def baselines(self) -> dict[str, np.ndarray]:
        """Baseline forecasts on the hold-out rows by name."""
        columns = [name for name in self.holdout.columns if name.startswith(BASELINE)]
        return {name.removeprefix(BASELINE): self.holdout[name].to_numpy() for name in columns}


def plan_of(table: TrainingTable) -> Plan:
    """By origin date, or by vehicle."""
    return by_origin(table.origins, table.horizon_days) if table.timed else by_vehicle(len(table.rows))


def run_folds(table: TrainingTable, recipe: Recipe, folds: tuple[Split, ...]) -> pl.DataFrame:
    """Columns row (number in the table), fold, y, level (what the regressor expects); fold after fold."""
    columns, y = table.columns(), table.y
    frames = []
    for number, split in enumerate(folds):
        fitted = recipe.fit(take(columns, split.train), y[split.train])
        predicted = fitted.level(take(columns, split.test))
        frames.append(pl.DataFrame({ROW: split.test, FOLD: number, ACTUAL: y[split.test], LEVEL: predicted}))
        logger.info(
            "Fold %d of %d: MAE %.4f", number + 1, len(folds), np.abs(y[split.test] - predicted).mean()
        )
    return pl.concat(frames)


def backtest(table: TrainingTable, recipe: Recipe, folds: pl.DataFrame | None = None) -> Backtest:
    """Measure a recipe on a table; `folds` is what `run_folds` gave, where that is known."""
    plan = plan_of(table)
    folds = run_folds(table, recipe, plan.folds) if folds is None else folds
    if plan.holdout is None:
        return _crossed(table, recipe, plan, folds)
    columns, y, split = table.columns(), table.y, plan.holdout
    train, test = take(columns, split.train), take(columns, split.test)
    levels = unseen_rows.levels(table, recipe, split.train, folds.select(ROW, LEVEL))
    model = unseen_rows.taught(table, recipe, recipe.fit(train, y[split.train]), levels)
    level = model.level(test)
    spread = model.spread_around(test, level)
    baselines = time_baselines(recipe.target, recipe.horizon_days, train, y[split.train], test)
    outlook = model.outlook_around(test, level, spread)
    derived = model.derived(test, outlook.mean).items()
    holdout = _with_forecasts(table, split.test, outlook, spread, baselines).with_columns(
        pl.Series(DERIVED + name, values) for name, values in derived
    )
    placed = _placed(table, recipe, model, folds, levels)
    before = table.rows[placed[ROW].to_numpy()].select(ORIGIN).with_columns(placed[PLACE])
    places = pl.concat([before, holdout.select(ORIGIN, PLACE)])
    return Backtest(
        holdout=holdout,
        folds=placed,
        levels=pl.concat([levels, pl.DataFrame({ROW: split.test, LEVEL: level})]),
        model=model,
        scale=metrics.scale_of(table, train, y[split.train]),
        metric=recipe.metric,
        totals=fleet_totals.totals(
            table.origins[split.test], y[split.test], spread, places, table.horizon_days
        ),
    )


def _placed(
    table: TrainingTable, recipe: Recipe, model: Forecaster, folds: pl.DataFrame, levels: pl.DataFrame
) -> pl.DataFrame:
    """The folds with what the model would have answered, and the place of what came true.

    Both by a distribution learnt from weeks that were over before the first fold. Where there are few of them
    the level stands for the answer, and no place is known.
    """
    rows, y, level = (folds[name].to_numpy() for name in (ROW, ACTUAL, LEVEL))
    gap = np.timedelta64(table.horizon_days, "D")
    over = table.origins + gap <= table.origins[rows].min()
    known = levels.filter(pl.Series(over[levels[ROW].to_numpy()]))
    if len(known) < MIN_ROWS:
        return folds.with_columns(pl.Series(PREDICTION, level), pl.lit(None, pl.Float64).alias(PLACE))
    before = unseen_rows.around(table, recipe, model, known)
    columns = take(table.columns(), rows)
    books = model.books(columns)
    spread = before.spread(model.design(columns, level), books, 0.0, recipe.maximum)
    return folds.with_columns(pl.Series(PREDICTION, _answer(recipe, spread, spread.mean)), _place(spread, y))


def _answer(recipe: Recipe, spread: Spread, mean: np.ndarray) -> np.ndarray:
    return mean if recipe.functional == OF_MEAN else spread.quantiles(np.array([0.5]))[:, 0]


def _place(spread: Spread, y: np.ndarray) -> pl.Series:
    return pl.Series(PLACE, spread.places(y, np.random.default_rng(SEED).random(len(y))))


def _crossed(table: TrainingTable, recipe: Recipe, plan: Plan, folds: pl.DataFrame) -> Backtest:
    """Without dates every row is tested by the fold that did not train on it."""
    columns, y = table.columns(), table.y
    tested = []
    for number, split in enumerate(plan.folds):
        train, test = take(columns, split.train), take(columns, split.test)
        fields = describe(train, recipe.categories)
        X, mine = encode(fields, test), pl.col(FOLD) == number
        baselines = table_baselines(encode(fields, train), y[split.train], X)
        others, level = folds.filter(~mine), folds.filter(mine)[LEVEL].to_numpy()
        known = encode(fields, take(columns, others[ROW].to_numpy()))
        zeros, ours = np.zeros(len(level)), np.zeros(len(others))
        learnt = Distribution.fit(
            design(known, others[LEVEL].to_numpy(), ours), ours, others[ACTUAL].to_numpy(), recipe.seed
        )
        spread = learnt.spread(design(X, level, zeros), zeros, 0.0, recipe.maximum)
        low, high = spread.shortest(COVERAGE)
        answer = _answer(recipe, spread, level)
        outlook = Outlook(answer, level, np.minimum(low, answer), np.maximum(high, answer))
        frame = _with_forecasts(table, split.test, outlook, spread, baselines)
        tested.append(frame.with_columns(pl.Series(ROW, split.test)))
    holdout = pl.concat(tested).sort(ROW)
    return Backtest(
        holdout=holdout.drop(ROW),
        folds=folds.join(holdout.select(ROW, PREDICTION), on=ROW, maintain_order="left"),
        levels=folds.select(ROW, LEVEL),
        model=None,
        scale=float(np.abs(y - y.mean()).mean()),
        metric=recipe.metric,
    )


def _with_forecasts(
    table: TrainingTable, rows: np.ndarray, outlook: Outlook, spread: Spread, baselines: dict[str, np.ndarray]
) -> pl.DataFrame:
    tested, y = table.rows[rows].drop(META, strict=False), table.y[rows]
    quantiles = dict(zip(QUANTILE_NAMES, spread.quantiles(np.array(QUANTILES)).T, strict=True))
    return tested.with_columns(
        pl.Series(ACTUAL, y),
        pl.Series(PREDICTION, outlook.forecast),
        pl.Series(MEAN, outlook.mean),
        pl.Series(LOW, outlook.low),
        pl.Series(HIGH, outlook.high),
        *(pl.Series(name, values) for name, values in quantiles.items()),
        pl.Series(CRPS, spread.crps(y)),
        _place(spread, y),
        *(pl.Series(BASELINE + name, values) for name, values in baselines.items()),
    )
