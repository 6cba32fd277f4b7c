"""Live errors as metrics on the training run of the version that made the forecast."""

from __future__ import annotations

import logging
import math
import time
from datetime import date

import polars as pl

logger = logging.getLogger(__name__)

NAMES = ("mae", "bias", "wape", "coverage")
BATCH = 1000  # MLflow's limit for one call
SAME = 1e-4  # forecast-accuracy.csv keeps four digits
DAY_ZERO = date(1970, 1, 1)


def log(accuracy: pl.DataFrame) -> None:
    """Write `live_mae`, `live_bias`, `live_wape`, `live_coverage`, a step an origin (days since 1970).

    The time is that of the measurement, so that MLflow shows the newest one of an origin: at equal step and
    time it would show the larger. What is there already is not written again. A run deleted meanwhile is a
    warning.
    """
    if accuracy.is_empty():
        return
    from mlflow.entities import Metric
    from mlflow.exceptions import MlflowException

    from turo.registry.client import client

    now = time.time_ns() // 1_000_000
    for (run_id,), rows in accuracy.group_by(["run_id"], maintain_order=True):
        try:
            known = _known(str(run_id))
            metrics = [
                Metric(key, value, now, step)
                for (key, step), value in _values(rows).items()
                if not math.isclose(value, known.get((key, step), math.nan), rel_tol=0, abs_tol=SAME)
            ]
            for start in range(0, len(metrics), BATCH):
                client().log_batch(str(run_id), metrics=metrics[start : start + BATCH])
        except MlflowException as error:
            logger.warning("Live errors were not written to run %s: %s", run_id, error)


Values = dict[tuple[str, int], float]  # metric and step → value


def _values(rows: pl.DataFrame) -> Values:
    return {
        (f"live_{name}", (row["origin_date"] - DAY_ZERO).days): row[name]
        for row in rows.iter_rows(named=True)
        for name in NAMES
        if row[name] is not None
    }


def _known(run_id: str) -> Values:
    """What MLflow shows of each origin now: the newest measurement, of equally new ones the largest."""
    from turo.registry.client import client

    found: Values = {}
    for name in NAMES:
        history = client().get_metric_history(run_id, f"live_{name}")
        for metric in sorted(history, key=lambda metric: (metric.timestamp, metric.value)):
            found[metric.key, metric.step] = metric.value
    return found
