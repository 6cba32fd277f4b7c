"""One table of figures: the model, its baselines and the oracle on the same hold-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.errors import TrainingError
from turo.models.distribution import COVERAGE, within
from turo.models.spread import QUANTILE_NAMES, QUANTILES
from turo.table.model_columns import numbers
from turo.table.names import KEYS
from turo.table.targets import RESERVATIONS, REVENUE
from turo.training.evaluation import fleet_totals, group_scores, metrics
from turo.training.evaluation.backtest import (
    ACTUAL,
    COLD_START_DAYS,
    CRPS,
    DERIVED,
    FOLD,
    HIGH,
    LOW,
    MEAN,
    PREDICTION,
    Backtest,
)
from turo.training.evaluation.baselines import NAMES
from turo.training.training_rows import TrainingTable

MODEL, ORACLE = "model", "oracle"
ORACLE_TITLE = "Oracle (knows the true process)"
MEDIAN_COLUMN = "q50"
SCORES = ("mae", "rmse")  # logged of every baseline: which one judges depends on what a model answers
LEAST_SHARE = 0.5  # of the rows on which a baseline needs a value, or few would be left to compare on


@dataclass(frozen=True)
class Scores:
    """What came out.

    Attributes:
        lines: metrics by forecaster, all on the same rows; NaN for one that has a value on too few.
        figures: what is logged as metrics of the run.
        left_out: baselines that are not compared, as they have a value on less than half of the rows.
        groups: the hold-out by class and by books, see `group_scores`.
    """

    lines: dict[str, dict[str, float]]
    figures: dict[str, float]
    best_baseline: str
    titles: dict[str, str]
    groups: pl.DataFrame
    left_out: tuple[str, ...] = ()


def measure(table: TrainingTable, result: Backtest, name: str) -> Scores:
    """Score every forecast on the hold-out rows on which all of them have a value.

    Args:
        name: what to call the model in the table.

    Raises:
        TrainingError: no baseline has a value on half of the rows, or no row has a value of all forecasts.
    """
    y, predicted = result.holdout[ACTUAL].to_numpy(), result.holdout[PREDICTION].to_numpy()
    baselines = result.baselines
    left_out = tuple(key for key, values in baselines.items() if np.isfinite(values).mean() < LEAST_SHARE)
    forecasts = {MODEL: predicted, **{key: baselines[key] for key in baselines if key not in left_out}}
    if (truth := _oracle(table, result)) is not None:
        forecasts[ORACLE] = truth
    common = np.isfinite(np.stack(list(forecasts.values()))).all(axis=0)
    if len(left_out) == len(baselines) or not common.any():
        raise TrainingError(
            f"No row of the hold-out has a value of {table.target} and of the baselines to compare with.",
            "Choose TARGET=y_booked_days, whose baselines need no price.",
        )
    cold = common & _cold(result.holdout)
    lines = {}
    for key, values in forecasts.items():
        lines[key] = metrics.score(y[common], values[common], result.scale)
        lines[key]["mae_cold_start"] = metrics.score(y[cold], values[cold], result.scale)["mae"]
    for key in left_out:
        lines[key] = dict.fromkeys(lines[MODEL], float("nan"))
    best = min((key for key in forecasts if key in baselines), key=lambda key: lines[key][result.metric])
    groups = group_scores.by_group(result.holdout, table.horizon_days)
    figures = {
        **_figures(result, lines, best),
        **_of_both(result, common),
        **group_scores.figures(groups),
        **fleet_totals.figures(result.totals),
        "holdout_rows_compared": float(common.sum()),
    }
    titles = {**NAMES, MODEL: name, ORACLE: ORACLE_TITLE}
    return Scores(lines, figures, best, titles, groups, left_out)


def _figures(result: Backtest, lines: dict[str, dict[str, float]], best: str) -> dict[str, float]:
    metric, y = result.metric, result.holdout[ACTUAL].to_numpy()
    inside = within(y, result.holdout[LOW].to_numpy(), result.holdout[HIGH].to_numpy())
    by_fold = [
        metrics.score(part[ACTUAL].to_numpy(), part[PREDICTION].to_numpy(), result.scale)[metric]
        for part in result.folds.partition_by(FOLD, maintain_order=True)
    ]
    figures = {
        **lines[MODEL],
        **{f"baseline_{key}_{score}": lines[key][score] for key in result.baselines for score in SCORES},
        **{
            f"baseline_best_{score}": float(np.nanmin([lines[key][score] for key in result.baselines]))
            for score in SCORES
        },
        "improvement": 1.0 - metrics.ratio(lines[MODEL][metric], lines[best][metric]),
        f"cv_{metric}": float(np.mean(by_fold)),
        f"cv_{metric}_sd": float(np.std(by_fold)),
        "interval_coverage": float(inside.mean()),
        "interval_width": float((result.holdout[HIGH] - result.holdout[LOW]).to_numpy().mean()),
        "holdout_rows": float(len(y)),
        **_of_distributions(result.holdout),
        **_totals(result),
    }
    if ORACLE in lines:
        figures[f"oracle_{metric}"] = lines[ORACLE][metric]
        figures["above_oracle"] = metrics.ratio(lines[MODEL][metric], lines[ORACLE][metric]) - 1.0
    return {key: value for key, value in figures.items() if np.isfinite(value)}


def _of_both(result: Backtest, common: np.ndarray) -> dict[str, float]:
    """Scores of median and mean on the same rows: with them models that answer different ones compare."""
    if result.totals is None:  # without dates nothing is chosen among several models
        return {}
    rows = result.holdout.filter(pl.Series(common))
    y, median, mean = (rows[name].to_numpy() for name in (ACTUAL, _median(result), MEAN))
    return {
        "median_mae": metrics.score(y, median, result.scale)["mae"],
        "mean_rmse": metrics.score(y, mean, result.scale)["rmse"],
    }


def _of_distributions(holdout: pl.DataFrame) -> dict[str, float]:
    """Mean proper scores of the hold-out, in units of the target; the smaller the better."""
    y = holdout[ACTUAL].to_numpy()
    ends = holdout[LOW].to_numpy(), holdout[HIGH].to_numpy()
    pinball = [
        metrics.pinball(y, holdout[name].to_numpy(), level)
        for name, level in zip(QUANTILE_NAMES, QUANTILES, strict=True)
    ]
    return {
        "crps": float(holdout[CRPS].to_numpy().mean()),
        "pinball": float(np.mean(pinball)),
        "interval_score": float(metrics.interval_score(y, *ends, COVERAGE).mean()),
    }


def _median(result: Backtest) -> str:
    """The column of medians: what is forecast, or where that is a mean, what the distribution says."""
    return PREDICTION if result.metric == "mae" else MEDIAN_COLUMN


def _totals(result: Backtest) -> dict[str, float]:
    """How far sums over the whole hold-out are off, as a share: of means, medians and derived numbers."""
    holdout = result.holdout
    pairs = {
        "fleet_bias": (MEAN, ACTUAL),
        "fleet_bias_median": (_median(result), ACTUAL),
        "derived_reservations_bias": (f"{DERIVED}reservations", RESERVATIONS),
        "derived_revenue_bias": (f"{DERIVED}revenue", REVENUE),
    }
    found = {}
    for name, (forecast, actual) in pairs.items():
        if forecast in holdout.columns and actual in holdout.columns:
            both = holdout.select(pl.col(forecast, actual).cast(pl.Float64).fill_nan(None)).drop_nulls()
            sums = both.to_numpy().sum(axis=0)
            found[name] = metrics.ratio(float(sums[0]), float(sums[1])) - 1.0
    return found


def _cold(holdout: pl.DataFrame) -> np.ndarray:
    if "tenure_days" not in holdout.columns:
        return np.zeros(len(holdout), dtype=bool)
    return (holdout["tenure_days"].fill_null(0) < COLD_START_DAYS).to_numpy()


def _oracle(table: TrainingTable, result: Backtest) -> np.ndarray | None:
    """The true process's median for each row, or where means are judged its mean.

    None unless the side file covers the rows.
    """
    truly = f"{table.target}_median" if result.metric == "mae" else table.target
    if table.oracle is None or not table.timed or truly not in table.oracle.columns:
        return None
    keys, holdout = list(KEYS), result.holdout
    truth = table.oracle.select(
        *(pl.col(key).cast(holdout.schema[key]) for key in keys), pl.col(truly).cast(pl.Float64)
    )
    joined = holdout.select(keys).join(truth, on=keys, how="left", maintain_order="left")
    values = numbers(joined[truly])
    return values if np.isfinite(values).mean() > 0.99 else None
