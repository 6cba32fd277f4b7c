"""Measures drift of every served version: its newest logged requests against its training rows."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from turo.monitoring.drift_measures import SCHEMA, measure
from turo.monitoring.statsd import Sample, drift_metrics
from turo.serving.replica import prediction_log
from turo.table.model_columns import numbers

if TYPE_CHECKING:
    from turo.serving.serve_config import ModelSpec

ROWS = 10_000  # the newest of a version that are compared
PERIOD_S = 300.0
SOON_S = 60.0  # after nothing was found

logger = logging.getLogger(__name__)


def training_rows(run_id: str) -> dict[str, Any]:
    """The histograms that a run logged of its training rows."""
    from turo.registry.client import client

    with tempfile.TemporaryDirectory() as folder:
        path = client().download_artifacts(run_id, "reference.json", folder)
        content: dict[str, Any] = json.loads(Path(path).read_text())
        return content


@dataclass
class DriftWatch:
    """Looks at each served version every `PERIOD_S`, and repeats in between what it saw last.

    Args:
        data_dir: where replicas write the log of predictions; an object store has none.
        reference: histograms of a run's training rows; asked once for each version.
    """

    data_dir: str
    reference: Callable[[str], Mapping[str, Any]] = training_rows
    _references: dict[ModelSpec, Mapping[str, Any]] = field(default_factory=dict)
    _seen: dict[ModelSpec, list[Sample]] = field(default_factory=dict)
    _next: dict[ModelSpec, float] = field(default_factory=dict)

    def samples(self, served: list[ModelSpec], now: float) -> list[Sample]:
        """Gauges of all served versions; at most one is looked at anew, so that no call takes long."""
        for known in (self._references, self._seen, self._next):
            for spec in known.keys() - set(served):
                del known[spec]
        due = min(served, key=lambda spec: self._next.get(spec, now), default=None)
        if due and self._next.get(due, now) <= now:
            try:
                self._seen[due] = self._look(due)
            except Exception as error:  # MLflow away, a file replaced while it was read: the next look tells
                logger.warning("Drift of %s version %s is not known: %s", due.name, due.version, error)
            self._next[due] = now + (PERIOD_S if self._seen.get(due) else SOON_S)
        return [sample for spec in served for sample in self._seen.get(spec, [])]

    def _look(self, spec: ModelSpec) -> list[Sample]:
        log = prediction_log.read(self.data_dir, spec.name)
        if "version" not in log.collect_schema():
            return []
        rows = log.filter(pl.col("version") == spec.version).tail(ROWS).collect()
        if rows.is_empty():
            return []
        if spec not in self._references:
            found = self._references[spec] = self.reference(spec.run_id)
            if found.get("schema") != SCHEMA:
                logger.warning(
                    "%s version %s was trained before drift was judged by single Mondays: train it again",
                    spec.name,
                    spec.version,
                )
        columns = {column.name: _values(column) for column in rows.iter_columns()}
        return drift_metrics(spec.name, measure(self._references[spec], columns))


def _values(column: pl.Series) -> Any:
    if column.dtype.is_numeric():
        return numbers(column)
    return column.to_numpy()
