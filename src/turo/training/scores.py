"""One table of figures: the model, its baselines and the oracle on the same hold-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.training import metrics
from turo.training.backtest import ACTUAL, COLD_START_DAYS, FOLD, HIGH, LOW, PREDICTION, Backtest
from turo.training.baselines import NAMES
from turo.training.table import Table

MODEL, ORACLE = "model", "oracle"
ORACLE_TITLE = "Oracle (knows the true process)"


@dataclass(frozen=True)
class Scores:
    """`lines`: metrics by forecaster; `figures`: what is logged as metrics of the run."""

    lines: dict[str, dict[str, float]]
    figures: dict[str, float]
    best_baseline: str
    titles: dict[str, str]


def measure(table: Table, result: Backtest, name: str) -> Scores:
    """Score every forecast on the hold-out rows.

    Args:
        name: what to call the model in the table.
    """
    y, predicted = result.holdout[ACTUAL].to_numpy(), result.holdout[PREDICTION].to_numpy()
    forecasts = {MODEL: predicted, **result.baselines}
    if (truth := _oracle(table, result.holdout)) is not None:
        forecasts[ORACLE] = truth
    cold = _cold(result.holdout)
    lines = {}
    for key, values in forecasts.items():
        lines[key] = metrics.score(y, values, result.scale)
        lines[key]["mae_cold_start"] = metrics.score(y[cold], values[cold], result.scale)["mae"]
    best = min(
        (key for key in result.baselines if np.isfinite(lines[key][result.metric])),
        key=lambda key: lines[key][result.metric],
    )
    return Scores(lines, _figures(result, lines, best, y), best, {**NAMES, MODEL: name, ORACLE: ORACLE_TITLE})


def _figures(
    result: Backtest, lines: dict[str, dict[str, float]], best: str, y: np.ndarray
) -> dict[str, float]:
    metric = result.metric
    inside = (result.holdout[LOW].to_numpy() <= y) & (y <= result.holdout[HIGH].to_numpy())
    by_fold = [
        metrics.score(part[ACTUAL].to_numpy(), part[PREDICTION].to_numpy(), result.scale)[metric]
        for part in result.folds.partition_by(FOLD, maintain_order=True)
    ]
    figures = {
        **lines[MODEL],
        **{f"baseline_{key}_{metric}": lines[key][metric] for key in result.baselines},
        f"baseline_best_{metric}": lines[best][metric],
        "improvement": 1.0 - lines[MODEL][metric] / lines[best][metric],
        f"cv_{metric}": float(np.mean(by_fold)),
        f"cv_{metric}_sd": float(np.std(by_fold)),
        "interval_coverage": float(inside.mean()),
        "interval_width": float((result.holdout[HIGH] - result.holdout[LOW]).to_numpy().mean()),
        "holdout_rows": float(len(y)),
        "dead_zone": result.dead_zone,
    }
    if ORACLE in lines:
        figures[f"oracle_{metric}"] = lines[ORACLE][metric]
        figures["above_oracle"] = lines[MODEL][metric] / lines[ORACLE][metric] - 1.0
    return {key: value for key, value in figures.items() if np.isfinite(value)}


def _cold(holdout: pl.DataFrame) -> np.ndarray:
    if "tenure_days" not in holdout.columns:
        return np.zeros(len(holdout), dtype=bool)
    return (holdout["tenure_days"].fill_null(0) < COLD_START_DAYS).to_numpy()


def _oracle(table: Table, holdout: pl.DataFrame) -> np.ndarray | None:
    """The true process's median for each row (best for MAE); None unless the side file covers the rows."""
    median = f"{table.target}_median"
    if table.oracle is None or not table.timed or median not in table.oracle.columns:
        return None
    keys = ["vehicle_id", "origin_date", "horizon_days"]
    truth = table.oracle.select(
        *(pl.col(key).cast(holdout.schema[key]) for key in keys), pl.col(median).cast(pl.Float64)
    )
    joined = holdout.select(keys).join(truth, on=keys, how="left", maintain_order="left")
    values = joined[median].fill_null(float("nan")).to_numpy()
    return values if np.isfinite(values).mean() > 0.99 else None
