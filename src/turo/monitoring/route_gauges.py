"""Gauges of all routes, sent by the reconciler: versions, age, drift; of forecasts and report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turo.monitoring.batch_drift_watch import BatchDriftWatch
from turo.monitoring.drift_watch import DriftWatch
from turo.monitoring.forecast_watch import ForecastWatch
from turo.monitoring.report_watch import ReportWatch
from turo.monitoring.statsd import PORT, Sample, registry_metrics, send
from turo.registry.aliases import CHAMPION, PREVIOUS
from turo.zone import zone_of

if TYPE_CHECKING:
    from turo.serving.control.version_choice import Route
    from turo.settings import Settings

PERIOD_S = 15.0  # Prometheus reads as often

logger = logging.getLogger(__name__)


def training_end(run_id: str) -> float:
    """When an MLflow run ended, seconds since 1970."""
    from turo.registry.client import client

    info = client().get_run(run_id).info
    return float(info.end_time or info.start_time) / 1000


@dataclass
class RouteGauges:
    """Sends the gauges of all routes, at most every `PERIOD_S`.

    Args:
        host: where the StatsD exporter listens; empty sends nothing.
        ended: when a run ended; asked once for each champion.
        watch: compares what served versions are asked with their training rows; None does not.
        batch: does so with what the fleet forecast was made of; None does not.
        forecasts: tells how right the forecasts were; None does not.
        report: tells whether this week's report is there; None does not.
    """

    host: str
    port: int = PORT
    ended: Callable[[str], float] = training_end
    watch: DriftWatch | None = None
    batch: BatchDriftWatch | None = None
    forecasts: ForecastWatch | None = None
    report: ReportWatch | None = None
    _known: dict[str, float] = field(default_factory=dict)
    _sent: float = float("-inf")

    def __call__(self, routes: Mapping[str, Route], problems: Mapping[str, str], now: float) -> None:
        """Report now unless it was just done. `problems` are the services that do not answer."""
        if not self.host or now - self._sent < PERIOD_S:
            return
        self._sent = now
        samples = self.samples(routes, "ray" not in problems)
        if self.watch:
            served = [route.serving for route in routes.values() if route.serving]
            samples += self.watch.samples(served, now)
        if self.batch:
            samples += self.batch.samples(now)
        if self.forecasts:
            samples += self.forecasts.samples()
        if self.report:
            samples += self.report.samples()
        send(samples, self.host, self.port)

    def samples(self, routes: Mapping[str, Route], ray_answers: bool) -> list[Sample]:
        """Gauges of all routes; while Ray does not answer none of them is served."""
        desired = {name: route.desired for name, route in routes.items() if route.desired}
        aliases = {name: {CHAMPION: int(state.spec.version)} for name, state in desired.items()}
        for name, state in desired.items():
            if state.previous:
                aliases[name][PREVIOUS] = int(state.previous.version)
        served = {
            name: int(route.serving.version) if route.serving and ray_answers else 0
            for name, route in routes.items()
        }
        trained = {name: self._end(state.spec.run_id) for name, state in desired.items()}
        return registry_metrics(aliases, served, {n: when for n, when in trained.items() if when is not None})

    def _end(self, run_id: str) -> float | None:
        if run_id not in self._known:
            try:
                self._known[run_id] = self.ended(run_id)
            except Exception as error:  # MLflow raises many kinds; the age is told when it answers again
                logger.debug("The end of run %s is not known: %s", run_id, error)
        return self._known.get(run_id)


def report_of(settings: Settings) -> RouteGauges:
    """The report to the StatsD exporter; drift, forecasts and report only where the data lie in a folder."""
    gauges = RouteGauges(settings.statsd_host, settings.statsd_port)
    if "://" not in settings.data_dir:
        gauges.watch, gauges.forecasts = DriftWatch(settings.data_dir), ForecastWatch(settings.data_dir)
        gauges.batch = BatchDriftWatch(settings.data_dir)
        gauges.report = ReportWatch(settings.data_dir, zone_of(settings.timezone))
    return gauges
