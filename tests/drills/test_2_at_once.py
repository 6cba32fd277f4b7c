"""Two of a kind at once, with half the memory for MLflow: two triggers, two deploys, two rollbacks.

That two came at once is no fault that lasts: there is nothing for the doctor to name, and he names nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, served_versions, wait_for
from drill import World, findings, named, requests
from stack_models import champion, point
from stack_runs import GATED, ledger, line_less, versions

pytestmark = [pytest.mark.stack, pytest.mark.long]
NAME = "KNN"
MLFLOW = ("mlflow",)
ROUTE = {"route-away", "route-refused", "route-behind"}
MIB = 1 << 20


@pytest.fixture
def world(drilled: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any]) -> Iterator[World]:
    """Requests go on; every one is answered with a prediction, and no route hangs."""
    with requests(drilled, airflow, serve, examples) as made:
        yield made
        wrong = made.not_fine(since=made.began)
    assert wrong == []
    assert set(made.loop.statuses) == {"200"}, (made.loop.statuses, made.loop.refused)


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """What each returned; both are begun at once."""
    with ThreadPoolExecutor(2) as threads:
        return [future.result() for future in [threads.submit(first), threads.submit(second)]]


def champion_and_others(world: World, others: int) -> list[str]:
    """The champion, then so many other versions, the newest first; trained here where there are too few."""
    while True:
        now = champion(world.stack, NAME)
        judged = [one["version"] for one in ledger(world.stack, NAME) if one["event"] in GATED]
        found = [version for version in dict.fromkeys(reversed(judged)) if version != now]
        if len(found) >= others:
            return [now, *found[:others]]
        with line_less(world.stack, 610 + len(found)):
            run = world.airflow.trigger("prepare_data", {"models": [NAME]})
            state = world.airflow.wait("prepare_data", run, timeout=900)
        assert state == "success", world.airflow.explain("prepare_data", run)


def alone(world: World, version: str) -> bool:
    """Whether no other version gives one of the next 200 answers; replicas change one after another."""
    changes, goal = len(world.loop.versions[NAME]), world.loop.answers() + 200
    wait_for("200 more answers", lambda: world.loop.answers() >= goal, timeout=120)
    return world.loop.versions[NAME][changes - 1 :] == [version]


def nothing_named(stack: Stack) -> bool:
    """Whether the doctor says nothing of the model's route."""
    found = [one["what"] for one in findings(stack) if one["check"] in ROUTE and NAME in one["what"]]
    assert found == []
    return True


def test_two_triggers_with_half_the_memory_for_mlflow(world: World) -> None:
    """Both runs end well; the data make one version, whoever comes first."""
    stack, airflow = world.stack, world.airflow
    (facts,) = stack.inspect("mlflow")
    limit = facts["HostConfig"]["Memory"]
    before, runs = versions(stack, NAME), len(airflow.runs("prepare_data"))

    def trigger() -> str:
        return airflow.trigger("prepare_data", {"models": [NAME]})

    world.docker("update", "--memory", str(limit // 2), services=MLFLOW)
    try:
        found = named(findings(stack, by_host=True), "container-memory", "mlflow may use")
        assert found is not None
        assert f"{limit // 2 // MIB} MiB" in found["what"]
        with line_less(stack, 600):
            begun = both(trigger, trigger)
            states = [airflow.wait("prepare_data", run, timeout=900) for run in begun]
        assert states == ["success"] * 2, [airflow.explain("prepare_data", run) for run in begun]
        (facts,) = stack.inspect("mlflow")
        assert (facts["State"]["OOMKilled"], facts["HostConfig"]["Memory"]) == (False, limit // 2)
    finally:
        world.docker("update", "--memory", str(limit), services=MLFLOW)
    assert len(set(begun)) == 2
    assert len(airflow.runs("prepare_data")) == runs + 2
    assert versions(stack, NAME) == before + 1
    assert named(findings(stack, by_host=True), "container-memory", "mlflow may use") is None
    figures["drill: two triggers at once, mlflow with half its memory"] = (
        f"two runs, one version, {world.all_routes()}, doctor: container-memory"
    )


def test_two_deploys_at_once(world: World) -> None:
    """Two move the alias at once, each to another version than serves: what the registry has at last serves.

    It stays so: neither the version of before nor the one that lost answers once every replica has changed.
    """
    stack = world.stack
    now, first, second = champion_and_others(world, 2)
    try:
        both(lambda: point(stack, NAME, "champion", first), lambda: point(stack, NAME, "champion", second))
        last = champion(stack, NAME)
        assert last in (first, second)
        wait_for("the champion serves", lambda: served_versions(world.serve)[NAME] == last, timeout=120)
        # Of a route that is under way to it the doctor says that it is behind.
        wait_for("the doctor names nothing", lambda: nothing_named(stack), timeout=120)
        wait_for("only the champion answers", lambda: alone(world, last), timeout=180)
        figures["drill: two deploys at once"] = (
            f"version {last} of {first} and {second}, {now} before; {world.all_routes()}, doctor: nothing"
        )
    finally:
        point(stack, NAME, "champion", now)
        wait_for("the champion of before", lambda: served_versions(world.serve)[NAME] == now, timeout=120)


def test_two_rollbacks_at_once(world: World) -> None:
    """Both to the same version: it serves, both commands say so, and each thing is written once."""
    stack = world.stack
    now, other = champion_and_others(world, 1)
    before = Counter(one["event"] for one in ledger(stack, NAME))

    def back() -> int:
        command = ("exec", "-T", "mlflow", "turo", "rollback", NAME, "--to", other)
        return stack.compose(*command, check=False).returncode

    try:
        assert both(back, back) == [0, 0]
        assert champion(stack, NAME) == other
        assert served_versions(world.serve)[NAME] == other
        written = Counter(one["event"] for one in ledger(stack, NAME)) - before
        # Both may have begun before either was done; a reader counts the intent that is done.
        assert 1 <= written["rolled_back"] <= 2, written
        assert nothing_named(stack)
        figures["drill: two rollbacks at once"] = (
            f"ledger {dict(written)}, {world.all_routes()}, doctor: nothing"
        )
    finally:
        point(stack, NAME, "champion", now)
        wait_for("the champion of before", lambda: served_versions(world.serve)[NAME] == now, timeout=120)
