"""Full disks: of datas/, of Ray's /tmp, of PostgreSQL's volume. What was there before stays whole.

A disk that can be filled without filling the machine's is one in memory: a service of this file's own,
`copier`, holds a volume of each kind while its users are started anew upon it.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from airflow_api import ENDED, AirflowApi
from compose_stack import Stack, figures, served_versions, wait_for
from drill import (
    Drill,
    World,
    findings,
    named,
    on_the_front_door,
    requests,
    routes_answer,
    silent_doctor,
    task_ends,
)
from small_disks import DISKS, OVERLAY, overlay
from stack_runs import versions
from stack_state import history

pytestmark = pytest.mark.stack
NAME = "KNN"
MOST_S = 300
FULL_DATAS = "free in /opt/turo/datas"
FILL = {
    "datas": ("copier", "/to/datas/.filler"),
    "Ray's /tmp": ("ray", "/tmp/filler"),
    "PostgreSQL's volume": ("copier", "/to/postgres/.filler"),
}


@pytest.fixture(scope="module")
def small(drilled: Stack) -> Iterator[Stack]:
    """The stack on small disks with copies of its data; afterwards on its own again, as they were before."""
    there = {
        # A file that goes meanwhile is no matter.
        "datas": drilled.execute("ray", "du", "-sm", "/opt/turo/datas", check=False),
        "postgres": drilled.execute("postgres", "du", "-sm", "/var/lib/postgresql/data", check=False),
    }
    used = {name: int(told.split()[0]) for name, told in there.items()}
    file = drilled.folder / OVERLAY
    file.write_text(overlay(drilled.environment["TURO_TAG"], used))
    stack = replace(
        drilled,
        overlays=(*drilled.overlays, OVERLAY),
        environment=drilled.environment | {"RAY_TMP_SIZE": "768m"},
    )
    try:
        stack.compose("stop", "postgres")  # a copy of a server at work would be none
        stack.compose("up", "-d", "--no-deps", "--wait", "copier")
        stack.up()
        yield stack
    finally:
        drilled.up("--remove-orphans")
        names = [f"{drilled.project}_small_{name}" for name in DISKS]
        subprocess.run(["docker", "volume", "rm", "--force", *names], capture_output=True)
        file.unlink()


@pytest.fixture
def world(small: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any]) -> Iterator[World]:
    """Requests go on."""
    wait_for("four routes on the small disks", lambda: served_versions(serve), 240)
    with requests(small, airflow, serve, examples) as made:
        yield made
    assert made.failures == [], "\n".join(made.failures)


def fill(stack: Stack, disk: str) -> None:
    """To the last byte."""
    service, path = FILL[disk]
    stack.execute(service, "sh", "-c", f"dd if=/dev/zero of={path} bs=1M 2>/dev/null || true")


def free(stack: Stack, disk: str) -> None:
    service, path = FILL[disk]
    stack.execute(service, "rm", "-f", path)


def drill(disk: str, well: Callable[..., Callable[[], object]], words: str) -> Drill:
    """Filled, and given room again."""
    return Drill(
        name=f"{disk} full",
        harm=lambda world: fill(world.stack, disk),
        heal=lambda world: free(world.stack, disk),
        well=well,
        aim_s=60,
        names={"stack-disk": (words,)},
    )


def table(stack: Stack) -> str:
    told = stack.execute("ray", "cat", "/opt/turo/datas/manifest.json")
    return hashlib.sha256(told.encode()).hexdigest()


def test_of_the_data(world: World) -> None:
    """The try that meets it fails by name, and leaves the table of before; the next one succeeds."""
    stack, airflow = world.stack, world.airflow
    before, count = table(stack), versions(stack, NAME)
    stack.execute("copier", "sed", "-i", "700d", "/to/datas/reservations.csv")
    runs: list[str] = []

    def harm(world: World) -> None:
        fill(stack, "datas")
        runs.append(airflow.trigger("prepare_data", {"models": [NAME]}))

        def failed() -> str | None:
            tasks = {one["task_id"]: one for one in airflow.task_instances("prepare_data", runs[0])}
            prepare = tasks.get("prepare", {"state": None})
            assert prepare["state"] in ("up_for_retry", "failed"), prepare["state"]
            return airflow.task_log(prepare)

        assert re.search("ENOSPC|No space left", wait_for("prepare fails", failed, MOST_S))
        # The operator looks every two minutes, and the page keeps what it said for a minute.
        wait_for("it at the front door", lambda: on_the_front_door(world.serve, FULL_DATAS), MOST_S)

    replace(drill("datas", routes_answer, FULL_DATAS), harm=harm).run(world)
    assert table(stack) == before
    state = airflow.wait("prepare_data", runs[0], timeout=900)
    if state == "failed":  # it was no matter of trying again: then by hand, as the log says
        runs.append(airflow.trigger("prepare_data", {"models": [NAME]}))
        state = airflow.wait("prepare_data", runs[1], timeout=900)
    assert state == "success", airflow.explain("prepare_data", runs[-1])
    assert table(stack) != before
    assert versions(stack, NAME) == count + 1


def test_of_ray(world: World) -> None:
    """Routes go on; once there is room a job runs as before."""
    drill("Ray's /tmp", routes_answer, "free in /tmp/ray of").run(world)
    run = world.airflow.trigger("ray_integration", {})
    state = world.airflow.wait("ray_integration", run, timeout=600)
    assert state == "success", world.airflow.explain("ray_integration", run)


def test_of_postgresql(world: World) -> None:
    """Whether it lives on or stops is its own affair: it is named, and loses nothing that it said it had."""
    stack, airflow = world.stack, world.airflow
    wait_for("nothing under way", lambda: airflow.is_idle("prepare_data"), 300)
    before = history(airflow)

    def harm(world: World) -> None:
        fill(stack, "PostgreSQL's volume")

        def told() -> str | None:
            found = findings(stack)
            full = named(found, "stack-disk", "PostgreSQL's volume is full")
            away = named(found, "service-away", "postgres does not answer")
            assert full or away, [one["what"] for one in found]
            return "full" if full else "away"

        figures["drill: PostgreSQL's volume full, doctor"] = wait_for("the doctor names it", told, 60)

    def heal(world: World) -> None:
        free(stack, "PostgreSQL's volume")
        world.docker("restart", services=("postgres",))  # the remedy of the finding

    replace(drill("PostgreSQL's volume", task_ends, ""), harm=harm, heal=heal, names={}).run(world)
    assert before <= history(airflow)
    silent_doctor(stack)


def test_every_run_has_ended(world: World) -> None:
    runs = world.airflow.runs("prepare_data")
    assert {run["state"] for run in runs} <= set(ENDED)
