"""Live errors as metrics on the training run of the version that made the forecast."""

from __future__ import annotations

import logging
from datetime import datetime, time

import polars as pl

logger = logging.getLogger(__name__)

NAMES = ("mae", "bias", "wape", "coverage")
BATCH = 1000  # MLflow's limit for one call


def log(accuracy: pl.DataFrame) -> None:
    """Write `live_mae`, `live_bias`, `live_wape`, `live_coverage`, a step an origin (days since 1970).

    Time and step are the origin's, so that a repeat adds nothing. A run deleted meanwhile is a warning.
    """
    if accuracy.is_empty():
        return
    from mlflow.entities import Metric
    from mlflow.exceptions import MlflowException

    from turo.registry import client

    for (run_id,), rows in accuracy.group_by(["run_id"], maintain_order=True):
        metrics = [
            Metric(f"live_{name}", row[name], *_when(row["origin_date"]))
            for row in rows.iter_rows(named=True)
            for name in NAMES
            if row[name] is not None
        ]
        try:
            for start in range(0, len(metrics), BATCH):
                client().log_batch(str(run_id), metrics=metrics[start : start + BATCH])
        except MlflowException as error:
            logger.warning("Live errors were not written to run %s: %s", run_id, error)


def _when(origin: object) -> tuple[int, int]:
    day = datetime.combine(origin, time())  # type: ignore[arg-type]
    days = (day - datetime(1970, 1, 1)).days
    return days * 86_400_000, days
