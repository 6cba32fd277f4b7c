"""A drill: what is done to the running stack, who must name it, how soon all is well, what routes answer."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
from airflow_api import ENDED, AirflowApi
from compose_stack import LATEST, MODELS, Stack, figures, served_versions, wait_for
from request_loop import WAIT_S, RequestLoop

# Told by doctor.sh alone: it asks Docker.
OF_THE_HOST = {"container-state", "container-memory", "outside"}
# Checks of what services say when they are asked.
ASKED = {"service-away", "service-answer"}
# What stands in the list for as long as a service is away, whatever else does.
OF_SERVICES = {"service-away", "container-state", "airflow-part"}
FINE = frozenset({"200"})
# Ray's head is away: nobody takes the connection, or the proxy has no replica yet.
LOST = FINE | {
    "500", "502", "503", "504", "404", "408",
    "ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError", "WriteError",
}  # fmt: skip
NAMED_WITHIN_S = 60.0
RATE, CLIENTS = 50.0, 4  # requests a second that are tried for, all routes together; clients of each route
# Where nothing may be felt: a route that hangs lets each of its clients wait for its whole minute. Two busy
# processors, with a training and containers that start beside it, have let single answers take 16 seconds.
MOST_GAP_S = 45.0
SERVED_AGAIN_S = WAIT_S + 30  # a client may still be waiting for an answer that was lost
AT_HOME = """
import urllib.request
print(urllib.request.urlopen("http://operator:8088/health", timeout=5).status)
"""
Found = list[dict[str, Any]]


def findings(stack: Stack, by_host: bool = False, **more: str) -> Found:
    """What the doctor finds: in the operator's container, or by doctor.sh with what only Docker knows.

    Args:
        more: variables for the doctor in the container.
    """
    if by_host:
        done = subprocess.run(
            ["./doctor.sh", "--json"],
            cwd=stack.folder,
            env=stack.variables() | {"COMPOSE_PROJECT_NAME": stack.project},
            capture_output=True,
            text=True,
            timeout=180,
        )
        told = done.stdout
        assert told.startswith("{"), done.stdout + done.stderr
    else:
        options = [word for name, value in more.items() for word in ("-e", f"{name}={value}")]
        told = stack.compose(
            "exec", "-T", *options, "operator", "turo", "doctor", "--json", check=False
        ).stdout
    return list(json.loads(told)["findings"])


def named(found: Found, check: str, words: str) -> dict[str, Any] | None:
    """The finding of a check whose sentence has these words."""
    return next((one for one in found if one["check"] == check and words in one["what"]), None)


def on_the_front_door(serve: str, words: str) -> bool:
    """Whether a finding of what needs attention has these words, for programs that ask the home page."""
    told = httpx.get(f"{serve}/", timeout=30).raise_for_status().json()
    return any(words in one["what"] for one in told["attention"])


@dataclass(frozen=True)
class World:
    """What a drill meets: the stack, its addresses, the requests that go on.

    Attributes:
        failures: what was not as it should be.
        let_pass: answers that were allowed while the routes were away.
    """

    stack: Stack
    airflow: AirflowApi
    serve: str
    loop: RequestLoop
    failures: list[str] = field(default_factory=list)
    let_pass: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def routes(self, since: float, before: Counter[str]) -> str:
        """What the routes answered since then, how often, how steadily: for a drill's line."""
        answers, seconds = self.loop.so_far() - before, max(time.monotonic() - since, 0.01)
        rate, gap = answers.total() / seconds, self.loop.longest_gap(since)
        return f"routes {dict(answers)}, {rate:.0f} a second, longest gap {gap:.1f} s"

    def all_routes(self) -> str:
        """The same, of the whole time of this world."""
        return self.routes(self.began, Counter())

    def not_fine(self, since: float | None = None) -> list[str]:
        """What is wrong where no loss may be felt, of the whole time: other answers, or a gap since then.

        Args:
            since: moment of `time.monotonic()`; None: gaps are not looked at, for routes were away meanwhile.
        """
        wrong, left = [], self.loop.so_far() - self.let_pass
        if strange := {status: count for status, count in left.items() if status not in FINE}:
            wrong.append(f"routes answered {strange}: {self.loop.refused[-3:]}")
        if since is not None and (gap := self.loop.longest_gap(since)) > MOST_GAP_S:
            wrong.append(f"a route gave no good answer for {gap:.0f} s, not {MOST_GAP_S:.0f}")
        return wrong

    def docker(self, *words: str, services: tuple[str, ...]) -> None:
        """A command of Docker on the services' containers: what befalls them, not what Compose would do."""
        present = [name for name in services if name not in self.stack.absent]
        ids = self.stack.compose("ps", "-aq", *present).stdout.split()
        done = subprocess.run(["docker", *words, *ids], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    def pause(self, services: tuple[str, ...]) -> None:
        """Freeze the services; a container in which something starts at that moment may need a second try."""

        def frozen(name: str) -> bool:
            self.docker("pause", services=(name,))
            return True

        for name in services:
            if name not in self.stack.absent:
                wait_for(f"{name} is paused", partial(frozen, name), timeout=60)

    def unpause(self, services: tuple[str, ...]) -> None:
        """Let go on what is paused of them."""
        states = {one["Service"]: one["State"] for one in self.stack.containers()}
        if still := tuple(name for name in services if states.get(name) == "paused"):
            self.docker("unpause", services=still)


Well = Callable[[World, datetime], Callable[[], object]]


@dataclass(frozen=True)
class Drill:
    """One row of the table.

    Attributes:
        name: of its line among the figures.
        harm, heal: what is done, and what undoes it.
        well: given the moment of healing, a probe that is true once useful work is done again.
        aim_s: from healing until then, as it should be on two quiet cores; told beside what it took. How fast
            this machine is is not judged, but by LATEST times it all must be well.
        names: check of the doctor → words of the sentences that it must say, the service first.
        answers: statuses that routes may give from the harm until all is well; where these are FINE no route
            may hang either.
        away_s: how long it lasts at least; the doctor looks meanwhile.
    """

    name: str
    harm: Callable[[World], None]
    heal: Callable[[World], None]
    well: Well
    aim_s: float
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    answers: frozenset[str] = FINE
    away_s: float = 0.0

    def run(self, world: World, met: str = "") -> None:
        """Do it, print its line; what is not as it should be is added to the world's failures.

        Args:
            met: what is under way, for the line.
        """
        before, began = world.loop.so_far(), time.monotonic()
        told, wrong = "not asked", list[str]()
        try:
            self.harm(world)
            if self.names:
                told = self._told(world, wrong)
            left = self.away_s - (time.monotonic() - began)
            if left > 0:  # the length of the outage is what is drilled: nothing else tells that it is over
                time.sleep(left)
        finally:
            away, healing = time.monotonic() - began, datetime.now(UTC)
            started = time.monotonic()
            self.heal(world)
        try:
            wait_for("useful work", self.well(world, healing), timeout=LATEST * self.aim_s, period=0.5)
        except AssertionError as error:
            wrong.append(str(error))
        took, useful = time.monotonic() - started, time.monotonic()
        try:  # what comes later belongs to the next drill
            wait_for("every client served", lambda: world.loop.all_served_since(useful), SERVED_AGAIN_S, 0.2)
        except AssertionError as error:
            wrong.append(str(error))
        answers = world.loop.so_far() - before
        if strange := set(answers) - self.answers:
            wrong.append(f"routes answered {sorted(strange)}: {world.loop.refused[-3:]}")
        if self.answers != FINE:
            world.let_pass.update({name: count for name, count in answers.items() if name in self.answers})
        elif (gap := world.loop.longest_gap(began)) > MOST_GAP_S:
            wrong.append(f"a route gave no good answer for {gap:.0f} s, not {MOST_GAP_S:.0f}")
        line = (
            f"{f'met {met}, ' if met else ''}away {away:.0f} s, useful work {took:.0f} s after (aimed at "
            f"{self.aim_s:.0f}), {world.routes(began, before)}, doctor: {told}"
        )
        if wrong:  # here too: what follows may fail before the end of the wave
            line += f"; NOT AS IT SHOULD BE: {'; '.join(wrong)[:1000]}"
        name = self.name
        for absent in world.stack.absent:  # nothing was done to what is not here
            name = name.replace(f" + {absent}", "")
        figures[f"drill: {name}"] = line
        print(f"drill: {name}: {line}", flush=True)
        world.failures.extend(f"{self.name}: {one}" for one in wrong)

    def _told(self, world: World, wrong: list[str]) -> str:
        """What the doctor says of it; a heartbeat is missed only after a while."""

        def all_named() -> list[str]:
            found = findings(world.stack, by_host=bool(OF_THE_HOST & self.names.keys()))
            missing = [
                (check, words)
                for check, all_of_it in self.names.items()
                for words in all_of_it
                if words.split()[0] not in world.stack.absent and named(found, check, words) is None
            ]
            assert not missing, (missing, [(one["check"], one["what"]) for one in found])
            return sorted(self.names)

        began = time.monotonic()
        try:
            checks = wait_for("the doctor names it", all_named, NAMED_WITHIN_S)
        except AssertionError as error:
            wrong.append(str(error))
            return "silent"
        return f"{', '.join(checks)} within {time.monotonic() - began:.0f} s"


def task_ends(world: World, healed: datetime) -> Callable[[], object]:
    """A DAG triggered now ends well: API server, database, scheduler, queue and worker have worked."""
    runs: list[str] = []

    def probe() -> bool:
        if not runs:
            runs.append(world.airflow.trigger("example_dag", {}))
        state = world.airflow.get(f"/dags/example_dag/dagRuns/{runs[0]}")["state"]
        if state in ENDED:
            assert state == "success", world.airflow.explain("example_dag", runs[0])
        return bool(state in ENDED)

    return probe


def parts_live(world: World, healed: datetime) -> Callable[[], object]:
    """Each part of Airflow has been heard since, and a task ends."""
    ends = task_ends(world, healed)

    def probe() -> object:
        told = world.airflow.get("/monitor/health")
        for part in ("scheduler", "triggerer", "dag_processor"):
            heard = datetime.fromisoformat(told[part][f"latest_{part}_heartbeat"])
            assert heard > healed, (part, heard, healed)
        return ends()

    return probe


def registry_answers(world: World, healed: datetime) -> Callable[[], object]:
    """MLflow answers from its store."""
    url = f"{world.stack.url('mlflow', 5000)}/api/2.0/mlflow/registered-models/search"

    def probe() -> bool:
        answer = httpx.get(url, timeout=5).raise_for_status()
        return {one["name"] for one in answer.json()["registered_models"]} >= set(MODELS)

    return probe


def routes_answer(world: World, healed: datetime) -> Callable[[], object]:
    """Four routes predict."""
    return lambda: set(served_versions(world.serve)) == set(MODELS)


def answering(*services: str) -> Well:
    """Each answers when it is asked: the operator from another container, the others when its doctor knocks.

    Docker's own word would be that of its last check, and a pause is shorter than the time between two.
    """

    def of(world: World, healed: datetime) -> Callable[[], object]:
        wanted = set(services) - set(world.stack.absent)

        def probe() -> bool:
            if "operator" in wanted:
                assert world.stack.execute("mlflow", "python", "-c", AT_HOME).split() == ["200"]
            found = [one["what"] for one in findings(world.stack) if one["check"] in ASKED]
            missed = [what for what in found if what.split()[0] in wanted]
            assert missed == []
            return True

        return probe

    return of


def silent_doctor(stack: Stack) -> None:
    """After a drill nobody is said to be away any more."""

    def probe() -> bool:
        found = [one for one in findings(stack, by_host=True) if one["check"] in OF_SERVICES]
        away = tuple(f"{name} " for name in stack.absent)
        left = [one["what"] for one in found if not (away and one["what"].startswith(away))]
        assert left == []
        return True

    wait_for("the doctor says of nobody that he is away", probe, timeout=120, period=3)


@contextmanager
def requests(stack: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any]) -> Iterator[World]:
    """A world in which requests go on, `RATE` a second for all routes together where these keep up."""
    with RequestLoop(serve, examples, RATE, CLIENTS) as loop:
        yield World(stack, airflow, serve, loop)
