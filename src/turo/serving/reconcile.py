"""The one owner of what Serve runs: registry aliases → whole configuration → apply → prove → keep or revert.

Every period it compares what should be served with what Serve reports, so a restarted Ray head, a moved alias
and a refused version are the same case: a difference to be removed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from turo.errors import TuroError
from turo.files import atomic_path
from turo.monitoring.live import Watch
from turo.monitoring.routes import Report
from turo.serving.deploy import Proof, Running, Serve
from turo.serving.desired import Desired, Wishes
from turo.serving.plan import Route, cause, failure
from turo.serving.spec import Content, Limits, configuration
from turo.settings import Settings

DEPLOY_DEADLINE_S = 110.0

logger = logging.getLogger(__name__)

Refused = Callable[[str, str, str], None]  # name, version, reason


@dataclass
class Reconciler:
    """State of all routes.

    Args:
        settings: limits, addresses, period.
        names: the configured models.
        serve: the cluster.
        read: what the registry wants for these names.
        refused: told of every refusal (the ledger).
    """

    settings: Settings
    names: tuple[str, ...]
    serve: Serve
    read: Callable[[tuple[str, ...]], dict[str, Desired]] = field(default_factory=lambda: Wishes().read)
    refused: Refused = lambda name, version, reason: None
    routes: dict[str, Route] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    _applied: str = ""

    def __post_init__(self) -> None:
        self.routes = {name: Route() for name in self.names}

    def tick(self, now: float) -> None:
        """One comparison and whatever follows from it. Services that are away are waited for."""
        wishes = self._wishes()
        for name, route in self.routes.items():
            route.wish(wishes.get(name), now)
        try:
            running = self.serve.applications()
            for name, route in self.routes.items():
                spec = running[name].spec if name in running else None
                if spec and running[name].status == "RUNNING":
                    route.found(spec)
                self._judge(name, route, running.get(name), now)
            self._apply(running, now)
            self._settle("ray", None)
        except TuroError as error:
            self._settle("ray", error)
            for route in self.routes.values():
                route.trying_since = now  # time without Ray is not held against a version
        self._write_status(now)

    def _wishes(self) -> dict[str, Desired]:
        try:
            wishes = self.read(self.names)
        except Exception as error:  # MLflow raises many kinds; all mean: the last known wish stands
            self._settle("mlflow", error)
            return {}
        self._settle("mlflow", None)
        return wishes

    def _judge(self, name: str, route: Route, running: Running | None, now: float) -> None:
        if route.trying is None:
            return
        spec = route.trying
        deployed = running is not None and running.spec == spec
        proof = self.serve.prove(spec) if deployed else Proof(False)
        if proof.answers:
            route.accept()
            logger.info("[Ray Serve] DEPLOYED %s version %s at /%s", name, spec.version, name)
            return
        reason = failure(route, running, proof, now, DEPLOY_DEADLINE_S)
        if reason is None:
            if proof.refusal and route.again(now):
                logger.warning("%s version %s is tried again: %s", name, spec.version, cause(proof.refusal))
            return
        route.refuse(reason)
        kept = f"version {route.serving.version} keeps serving" if route.serving else "nothing serves there"
        logger.error("[Ray Serve] REFUSED %s version %s: %s; %s", name, spec.version, reason, kept)
        try:
            self.refused(name, spec.version, reason)
        except Exception:
            logger.exception("the ledger could not be told that %s %s was refused", name, spec.version)

    def _apply(self, running: dict[str, Running], now: float) -> None:
        for name, route in self.routes.items():
            state = running.get(name)
            if state and state.status == "DEPLOY_FAILED" and route.target and route.again(now):
                logger.warning("%s is deployed again: %s", name, cause(state.message))
        wanted = configuration(self._contents(), self.settings)
        text = json.dumps(wanted, sort_keys=True)
        absent = [a["name"] for a in wanted["applications"] if a["name"] not in running]
        if text == self._applied and not absent:
            return
        self.serve.apply(wanted)
        self._applied = text
        shown = [f"{n} {r.target.version}" for n, r in self.routes.items() if r.target is not None]
        logger.info("applied the Serve configuration: %s", ", ".join(shown) or "no model yet")

    def _contents(self) -> list[Content]:
        limits = Limits.of(self.settings)
        return [
            Content(spec=route.target, limits=limits, notes=route.notes, attempt=route.attempt)
            for route in self.routes.values()
            if route.target is not None
        ]

    def _settle(self, service: str, error: Exception | None) -> None:
        """Log when a service goes away and when it is back, not every time it is asked."""
        before = self.problems.pop(service, None)
        if error is not None:
            self.problems[service] = str(error)
            if before is None:
                logger.warning("%s does not answer; what is known stays as it is: %s", service, error)
        elif before is not None:
            logger.info("%s answers again", service)

    def _write_status(self, now: float) -> None:
        status = {"written_at": time.time(), "problems": self.problems, "routes": {}}
        status["routes"] = {
            name: {
                "version": route.serving.version if route.serving else None,
                "trying": route.trying.version if route.trying else None,
                "refused": {spec.version: reason for spec, reason in route.refused.items()},
            }
            for name, route in self.routes.items()
        }
        with atomic_path(self.settings.status_file) as temporary:
            temporary.write_text(json.dumps(status))


def note_refusal(name: str, version: str, reason: str) -> None:
    """Write a refusal to the ledger, once: a restarted reconciler tries a refused champion again."""
    from turo.ledger import ledger_append, ledger_read

    newest = next(iter(ledger_read(name, limit=1)), {})
    if (newest.get("event"), newest.get("version")) != ("refused", version):
        ledger_append("refused", name, version, reason)


def run_for_ever(reconciler: Reconciler) -> None:
    """Tick until the process is told to end."""
    settings = reconciler.settings
    watch = None if "://" in settings.data_dir else Watch(settings.data_dir)
    report = Report(settings.statsd_host, settings.statsd_port, watch=watch)
    while True:
        try:
            reconciler.tick(time.monotonic())
            report(reconciler.routes, reconciler.problems, time.monotonic())
        except Exception:
            logger.exception("reconciling failed; trying again")
        time.sleep(settings.reconcile_period_s)
