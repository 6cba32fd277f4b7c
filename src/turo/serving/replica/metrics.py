"""Metrics of a replica through Ray: it exports them as `ray_<name>` with the deployment's own labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from turo.serving.api.model_info import About
from turo.table.targets import BOOKED_DAYS

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


class Gauges:
    """Counters, histogram and version of one model's replica."""

    def __init__(self, name: str) -> None:
        from ray.serve import metrics

        self.name = name
        outcome: Any = ("model", "outcome")  # Ray's type hint says one key
        version: Any = ("model", "version", "run_id", "data_digest")
        self._keys: Any = ("model",)
        self._requests = metrics.Counter("turo_prediction_requests", "Requests by outcome.", outcome)
        self._info = metrics.Gauge("turo_model_info", "1 for the version served.", version)
        self._failures = metrics.Counter(
            "turo_model_load_failures", "Versions refused by a replica.", self._keys
        )
        self._histogram: Any = None
        self._served: dict[str, str] = {}

    def refused(self) -> None:
        """Count a version that could not be taken over."""
        self._failures.inc(1, {"model": self.name})

    def requests(self, outcomes: Mapping[str, int]) -> None:
        """Add to the counts of answers."""
        for outcome, count in outcomes.items():
            self._requests.inc(count, {"model": self.name, "outcome": outcome})

    def renew(self) -> None:
        """Tell the version again: Ray exports a gauge once each time it is set, and soon forgets it."""
        if self._served:
            self._info.set(1, self._served)

    def predictions(self, values: np.ndarray) -> None:
        """Add predicted values to their histogram."""
        if self._histogram is not None:
            for value in values.tolist():
                self._histogram.observe(value, {"model": self.name})

    def serves(self, about: About) -> None:
        """Tell which version serves; the one before is told as 0."""
        tags = {
            "model": about.name,
            "version": about.version,
            "run_id": about.run_id,
            "data_digest": about.tags.get("turo.data_digest", "")[:12],
        }
        if tags == self._served:
            return
        before, self._served = self._served, tags
        if before:
            self._info.set(0, before)
        self.renew()
        if self._histogram is None:
            from ray.serve import metrics

            days = about.target == BOOKED_DAYS
            bounds = [max(share * about.horizon_days, 0.01) for share in SHARES] if days else list(STEPS)
            self._histogram = metrics.Histogram(
                "turo_prediction", "Predicted values.", boundaries=bounds, tag_keys=self._keys
            )


class ShadowGauges:
    """How far each challenger is from its champion."""

    def __init__(self) -> None:
        from ray.serve import metrics

        keys: Any = ("model", "version")
        self._mean = metrics.Gauge("turo_shadow_difference_mean", "Challenger minus champion.", keys)
        self._p95 = metrics.Gauge("turo_shadow_difference_p95", "95 % of distances are below.", keys)
        self._rows = metrics.Counter("turo_shadow_rows", "Rows compared.", keys)

    def compared(self, name: str, version: str, mean: float, p95: float, rows: int) -> None:
        """Tell the difference over the window, and how many rows came to it."""
        tags = {"model": name, "version": version}
        self._mean.set(mean, tags)
        self._p95.set(p95, tags)
        self._rows.inc(rows, tags)
