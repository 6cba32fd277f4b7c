"""Rolling folds, then the hold-out: the model's and every baseline's forecasts on the same unseen rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from turo.models.derived import Derivation
from turo.models.encoding import Columns, describe, encode
from turo.models.forecaster import Forecaster, with_threshold
from turo.models.interval import Interval
from turo.models.mean_shift import MeanShift
from turo.table.names import META
from turo.table.targets import BOOKED_DAYS, TARGET
from turo.training.evaluation import metrics, unseen_rows
from turo.training.evaluation.baselines import table_baselines, time_baselines
from turo.training.evaluation.split import Plan, Split, by_origin, by_vehicle
from turo.training.evaluation.threshold import learn_threshold
from turo.training.evaluation.unseen_rows import LEVEL, ROW
from turo.training.recipe import Recipe, take
from turo.training.training_rows import TrainingTable

logger = logging.getLogger(__name__)

COLD_START_DAYS = 182  # a vehicle newer than half a year has no last year and few windows of its own
PREDICTION, MEAN, LOW, HIGH, ACTUAL, FOLD = "prediction", "mean", "low", "high", "y", "fold"
BASELINE, DERIVED = "baseline_", "derived_"
OWN = frozenset({PREDICTION, MEAN, LOW, HIGH, ACTUAL})  # columns the hold-out has besides the table's


@dataclass(frozen=True)
class Backtest:
    """What was measured.

    Attributes:
        holdout: one row for each row tested, keys and features of the table plus y, prediction (a median
            where the loss is absolute), mean, low, high, baseline_<name> and, where they can be derived,
            derived_reservations and derived_revenue. Without dates the out-of-fold forecasts of all rows.
        folds: fold, y and prediction of the rolling folds (without dates the same rows as `holdout`).
        model: the forecaster fitted before the hold-out; None without dates.
        interval: learnt from all out-of-sample forecasts, for the final model.
        threshold: learnt from the folds, for the evaluated and the final model.
        mean_shift, derivation: learnt from forecasts of unseen rows, the hold-out's among them, for the final
            model.
        scale: what MASE is measured in.
    """

    holdout: pl.DataFrame
    folds: pl.DataFrame
    model: Forecaster | None
    interval: Interval
    scale: float
    metric: str
    threshold: float = 0.0
    mean_shift: MeanShift | None = None
    derivation: Derivation | None = None

    @property
    def baselines(self) -> dict[str, np.ndarray]:
        """Baseline forecasts on the hold-out rows by name."""
        columns = [name for name in self.holdout.columns if name.startswith(BASELINE)]
        return {name.removeprefix(BASELINE): self.holdout[name].to_numpy() for name in columns}


def plan_of(table: TrainingTable) -> Plan:
    """By origin date, or by vehicle."""
    return by_origin(table.origins, table.horizon_days) if table.timed else by_vehicle(len(table.rows))


def run_folds(table: TrainingTable, recipe: Recipe, folds: tuple[Split, ...]) -> pl.DataFrame:
    """Columns row (number in the table), fold, y, prediction; fold after fold."""
    columns, y = table.columns(), table.y
    frames = []
    for number, split in enumerate(folds):
        fitted = recipe.fit(take(columns, split.train), y[split.train])
        predicted = fitted.predict(take(columns, split.test))
        frames.append(
            pl.DataFrame({"row": split.test, FOLD: number, ACTUAL: y[split.test], PREDICTION: predicted})
        )
        logger.info(
            "Fold %d of %d: MAE %.4f", number + 1, len(folds), np.abs(y[split.test] - predicted).mean()
        )
    return pl.concat(frames)


def backtest(table: TrainingTable, recipe: Recipe) -> Backtest:
    """Measure a recipe on a table."""
    plan = plan_of(table)
    folds = run_folds(table, recipe, plan.folds)
    if plan.holdout is None:
        return _crossed(table, recipe, plan, folds)
    columns, y, split = table.columns(), table.y, plan.holdout
    forward = folds.select(ROW, pl.col(PREDICTION).alias(LEVEL))
    folds, threshold = _with_threshold(folds, columns, recipe)
    train, test = take(columns, split.train), take(columns, split.test)
    levels = unseen_rows.levels(table, recipe, split.train, forward)
    shift, derivation = unseen_rows.for_sums(table, recipe, levels)
    model = replace(
        recipe.fit(train, y[split.train]),
        interval_offsets=Interval.fit(folds[ACTUAL].to_numpy(), folds[PREDICTION].to_numpy()),
        threshold=threshold,
        mean_shift=shift,
        derivation=derivation,
    )
    predicted, level = model.predict(test), model.level(test)
    baselines = time_baselines(recipe.target, recipe.horizon_days, train, y[split.train], test)
    holdout = _with_forecasts(table, split.test, predicted, model.interval_around(predicted), baselines)
    shift, derivation = unseen_rows.for_sums(
        table, recipe, pl.concat([levels, pl.DataFrame({ROW: split.test, LEVEL: level})])
    )
    return Backtest(
        holdout=holdout.with_columns(_sums(model, test, model.mean_around(level))),
        folds=folds,
        model=model,
        interval=Interval.fit(
            np.concatenate([folds[ACTUAL].to_numpy(), y[split.test]]),
            np.concatenate([folds[PREDICTION].to_numpy(), predicted]),
        ),
        scale=_scale(table, train, y[split.train]),
        metric=recipe.metric,
        threshold=threshold,
        mean_shift=shift,
        derivation=derivation,
    )


def _sums(model: Forecaster, test: Columns, mean: np.ndarray) -> list[pl.Series]:
    derived = model.derived(test, mean).items()
    return [pl.Series(MEAN, mean), *(pl.Series(DERIVED + name, values) for name, values in derived)]


def _with_threshold(folds: pl.DataFrame, columns: Columns, recipe: Recipe) -> tuple[pl.DataFrame, float]:
    """The folds' forecasts without changes below the threshold, and the threshold, learnt from them."""
    if recipe.offset is None:
        return folds, 0.0
    books = np.nan_to_num(columns[recipe.offset][folds["row"].to_numpy()])
    predicted = folds[PREDICTION].to_numpy()
    threshold = learn_threshold(folds[ACTUAL].to_numpy(), predicted, books, recipe.metric)
    return folds.with_columns(pl.Series(PREDICTION, with_threshold(predicted, books, threshold))), threshold


def _crossed(table: TrainingTable, recipe: Recipe, plan: Plan, folds: pl.DataFrame) -> Backtest:
    """Without dates every row is tested by the fold that did not train on it."""
    columns, y = table.columns(), table.y
    rows = len(y)
    low, high = np.empty(rows), np.empty(rows)
    baselines = {name: np.empty(rows) for name in ("mean", "linear")}
    for number, split in enumerate(plan.folds):
        train, test = take(columns, split.train), take(columns, split.test)
        fields = describe(train, recipe.categories)
        for name, values in table_baselines(
            encode(fields, train), y[split.train], encode(fields, test)
        ).items():
            baselines[name][split.test] = values
        others = folds.filter(pl.col(FOLD) != number)
        offsets = Interval.fit(others[ACTUAL].to_numpy(), others[PREDICTION].to_numpy())
        mine = folds.filter(pl.col(FOLD) == number)[PREDICTION].to_numpy()
        low[split.test], high[split.test] = (np.maximum(end, 0.0) for end in offsets.around(mine))
    predicted = folds.sort("row")[PREDICTION].to_numpy()
    return Backtest(
        holdout=_with_forecasts(table, np.arange(rows), predicted, (low, high), baselines).with_columns(
            pl.Series(MEAN, predicted)
        ),
        folds=folds,
        model=None,
        interval=Interval.fit(folds[ACTUAL].to_numpy(), folds[PREDICTION].to_numpy()),
        scale=float(np.abs(y - y.mean()).mean()),
        metric=recipe.metric,
    )


def _with_forecasts(
    table: TrainingTable,
    rows: np.ndarray,
    predicted: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    baselines: dict[str, np.ndarray],
) -> pl.DataFrame:
    tested = table.rows[rows].drop(META, strict=False)
    return tested.with_columns(
        pl.Series(ACTUAL, table.y[rows]),
        pl.Series(PREDICTION, predicted),
        pl.Series(LOW, ends[0]),
        pl.Series(HIGH, ends[1]),
        *(pl.Series(BASELINE + name, values) for name, values in baselines.items()),
    )


def _scale(table: TrainingTable, train: Columns, y: np.ndarray) -> float:
    """The window before is known for booked days; other targets take the rate of the last 28 days."""
    unknown = np.full(len(y), np.nan)
    known = TARGET[table.target]
    before = train.get(known.recent, unknown) * table.horizon_days / 28
    if table.target == BOOKED_DAYS:
        before = train.get("lag_1", unknown)
    return metrics.seasonal_scale(y, train.get(known.last_year, unknown), before)
