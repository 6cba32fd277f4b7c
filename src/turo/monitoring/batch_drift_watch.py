"""Drift of the fleet forecast: the rows that its models were asked, against those they were trained on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from turo.forecast.output.inputs_file import FILE, HORIZON, NAME, OWNER, RUN
from turo.monitoring.drift_measures import measure
from turo.monitoring.drift_watch import SOON_S, training_rows
from turo.monitoring.statsd import Sample, drift_metrics
from turo.table.model_columns import arrays

# One row a vehicle. How far single Mondays of the same fleet lay from a year is in the limits already, so
# far fewer rows tell something than of requests, which may be of some of the vehicles.
LEAST_VEHICLES = 30
# Times the most that a past Monday differed; more than for requests, since every week is looked at: with 1.5
# the season of a generated fleet may count as drift. With 3 no Monday of its test does, while prices that
# tripled are found.
MARGIN = 3.0

logger = logging.getLogger(__name__)


@dataclass
class BatchDriftWatch:
    """Measures each newly made forecast once, one model a call; repeats in between what it saw last.

    Args:
        data_dir: where `forecast-inputs.parquet` lies; without it there are no gauges.
        reference: histograms of a run's training rows.
    """

    data_dir: str
    reference: Callable[[str], Mapping[str, Any]] = training_rows
    _stamp: tuple[int, int] | None = None  # of the file: when it was changed (ns), its bytes
    _left: list[pl.DataFrame] = field(default_factory=list)
    _seen: list[Sample] = field(default_factory=list)
    _next: float = float("-inf")
    _problems: set[str] = field(default_factory=set)  # that were logged since the file is there

    def samples(self, now: float) -> list[Sample]:
        """Gauges of all models of the newest forecast that were looked at so far."""
        if now < self._next:
            return self._seen
        try:
            self._open()
            if self._left:
                self._left.append(
                    self._left.pop(0)
                )  # one whose reference is gone does not hold up the others
                self._seen = [*self._seen, *self._look(self._left[-1])]
                self._left.pop()
        except Exception as error:  # MLflow away, a file that is damaged: the next look tells
            if str(error) not in self._problems:
                logger.warning("Drift of the fleet forecast is not known: %s", error)
            self._problems.add(str(error))
            self._next = now + SOON_S
        return self._seen

    def _open(self) -> None:
        path = Path(self.data_dir) / FILE
        facts = path.stat() if path.exists() else None
        stamp = facts and (facts.st_mtime_ns, facts.st_size)
        if stamp == self._stamp:
            return
        self._left, self._seen = [], []
        if stamp:
            self._left = pl.read_parquet(path).partition_by(OWNER, maintain_order=True)
        self._stamp = stamp
        self._problems.clear()

    def _look(self, rows: pl.DataFrame) -> list[Sample]:
        reference = self.reference(rows[RUN][0])
        columns = arrays(rows, tuple(name for name in rows.columns if name not in OWNER))
        found = measure(reference, columns, least=LEAST_VEHICLES, margin=MARGIN)
        return drift_metrics(rows[NAME][0], found, rows[HORIZON][0])
