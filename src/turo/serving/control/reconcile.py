"""The reconciler: makes what Serve runs equal to the desired state, and alone changes it.

Registry aliases → whole configuration → apply → proof → keep or revert.

Every period it compares what should be served with what Serve reports, so a restarted Ray head, a moved alias
and a refused version are the same case: a difference to be removed. What runs is taken over before the
registry is asked: no configuration leaves out a configured name that runs.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from turo.errors import TuroError
from turo.files import atomic_path
from turo.serving.control.decision_entries import Recorder, UnrecordedDecisions, record_serving
from turo.serving.control.desired import DesiredState, DesiredStates
from turo.serving.control.serve_client import Serve, States
from turo.serving.control.version_choice import Route
from turo.serving.replica.states import DEPLOY_FAILED, Outcome, Running, State, cause, judge, served
from turo.serving.serve_config import Content, Limits, ModelSpec, configuration
from turo.settings import Settings

logger = logging.getLogger(__name__)


@dataclass
class Reconciler:
    """State of all routes.

    Args:
        settings: limits, addresses, period.
        names: the configured models.
        serve: the cluster.
        read: the desired state of these names.
        refused: told of every refusal (the decision log).
        accepted: told of every version that serves from now on.
    """

    settings: Settings
    names: tuple[str, ...]
    serve: Serve
    read: Callable[[tuple[str, ...]], dict[str, DesiredState]] | None = None
    refused: Recorder = lambda name, version, reason: None
    accepted: Recorder = record_serving
    routes: dict[str, Route] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    _desired_states: DesiredStates = field(default_factory=DesiredStates)
    _unrecorded: UnrecordedDecisions = field(default_factory=UnrecordedDecisions)
    _applied: str = ""

    def __post_init__(self) -> None:
        self.routes = {name: Route() for name in self.names}

    def tick(self, now: float) -> None:
        """One comparison and whatever follows from it. Services that are away are waited for."""
        try:
            running, states = self._look()
            for name, route in self.routes.items():
                there = running.get(name)
                route.adopt(there.spec if there else None, served(there, states.get(name, {})), now)
            if any(route.target and name not in running for name, route in self.routes.items()):
                self._apply(running, now)  # a restarted Ray does not wait for MLflow's answer
            desired_states = self._read_desired()
            for name, route in self.routes.items():
                route.set_desired(desired_states.get(name), now)
                self._judge(name, route, running.get(name), states.get(name, {}), now)
            self._apply(running, now)
            self._track_availability("ray", None)
        except TuroError as error:
            self._track_availability("ray", error)
            for route in self.routes.values():
                route.answered_at = now  # time without Ray is not held against a version
        if "mlflow" not in self.problems:
            for name in self._unrecorded.write():
                self._desired_states.forget(name)
        self._write_status()

    def _look(self) -> tuple[dict[str, Running], States]:
        running = self.serve.applications()
        if not any(name in running for name in self.names):
            return running, {}
        try:
            states = self.serve.states()
        except TuroError as error:
            self._track_availability("catalog", error)
            return running, {}
        self._track_availability("catalog", None)
        return running, states

    def _read_desired(self) -> dict[str, DesiredState]:
        try:
            desired_states = (self.read or self._desired_states.read)(self.names)
        except Exception as error:  # MLflow raises many kinds; all mean: the desired state last known stands
            self._track_availability("mlflow", error)
            return {}
        self._track_availability("mlflow", None)
        return desired_states

    def _judge(
        self, name: str, route: Route, running: Running | None, states: Mapping[str, State], now: float
    ) -> None:
        spec = route.target
        if spec is None:
            return
        before, verdict = route.serving, judge(spec, running, states)
        in_vain = running is not None and running.in_vain
        blamed = in_vain and "mlflow" not in self.problems  # while it is away no version can be fetched
        if verdict.outcome is Outcome.HOLDS and route.trying:
            route.accept()
            logger.info("[Ray Serve] DEPLOYED %s version %s at /%s", name, spec.version, name)
            self._unrecorded.add(self.accepted, name, spec.version, "Every replica serves it.")
        elif verdict.outcome is Outcome.REFUSED:
            route.refuse(verdict.reason, now)
            self._tell_refusal(route, spec, before, verdict.reason)
        elif why := route.shelve_if_lost(blamed, verdict.reason, now):
            self._tell_refusal(route, spec, before, why)
        elif route.wait(verdict.reason, in_vain, now):
            logger.warning("%s version %s is waited for: %s", name, spec.version, verdict.reason)
        route.set_desired(None, now)  # what serves instead of a refused version is applied at once

    def _tell_refusal(self, route: Route, spec: ModelSpec, before: ModelSpec | None, reason: str) -> None:
        name, version = spec.name, spec.version
        logger.error("[Ray Serve] REFUSED %s version %s: %s; %s", name, version, reason, _what_serves(route))
        self._unrecorded.add(self.refused, name, version, reason)
        if route.serving is not None and route.serving != before:
            self._unrecorded.add(self.accepted, name, route.serving.version, "It stands in.")

    def _apply(self, running: dict[str, Running], now: float) -> None:
        for name, route in self.routes.items():
            state = running.get(name)
            if state and state.status == DEPLOY_FAILED and route.target and route.again(now):
                logger.warning("%s is deployed again: %s", name, cause(state.message))
        wanted = configuration(self._contents(running), self.settings)
        text = json.dumps(wanted, sort_keys=True)
        absent = [a["name"] for a in wanted["applications"] if a["name"] not in running]
        if text == self._applied and not absent:
            return
        self.serve.apply(wanted)
        self._applied = text
        shown = [f"{n} {r.target.version}" for n, r in self.routes.items() if r.target is not None]
        logger.info("applied the Serve configuration: %s", ", ".join(shown) or "no model yet")

    def _contents(self, running: dict[str, Running]) -> list[Content]:
        limits = Limits.of(self.settings)
        contents = []
        for name, route in self.routes.items():
            there = running.get(name)
            # Whatever was decided: where replicas answer, the route stays.
            spec = route.target or (there.spec if there and there.answering else None)
            if spec is not None:
                content = Content(spec=spec, limits=limits, notes=route.notes, attempt=route.attempt)
                contents.append(content.model_copy(update={"stand_in": route.fallback}))
        return contents

    def _track_availability(self, service: str, error: Exception | None) -> None:
        """Log when a service goes away and when it is back, not every time it is asked."""
        before = self.problems.pop(service, None)
        if error is not None:
            self.problems[service] = str(error)
            if before is None:
                logger.warning("%s does not answer; what is known stays as it is: %s", service, error)
        elif before is not None:
            logger.info("%s answers again", service)

    def _write_status(self) -> None:
        status = {"written_at": time.time(), "problems": self.problems, "routes": {}}
        status["routes"] = {name: route.status() for name, route in self.routes.items()}
        with atomic_path(self.settings.status_file) as temporary:
            temporary.write_text(json.dumps(status))


def _what_serves(route: Route) -> str:
    return f"version {route.serving.version} keeps serving" if route.serving else "nothing serves there"


Report = Callable[[Mapping[str, Route], Mapping[str, str], float], None]


def run_for_ever(reconciler: Reconciler, report: Report) -> None:
    """Tick until the process is told to end.

    Args:
        report: is told the routes, the services that do not answer, and the time, after every tick.
    """
    settings = reconciler.settings
    while True:
        try:
            reconciler.tick(time.monotonic())
            report(reconciler.routes, reconciler.problems, time.monotonic())
        except Exception:
            logger.exception("reconciling failed; trying again")
        time.sleep(settings.reconcile_period_s)
