"""`docker compose stop` and `start` of everything, then the death of every process, each in a training.

What was stopped by hand is no fault: the doctor, asked in between, says of nobody that he is away. After the
deaths he names who does not answer yet, for as long as that lasts.
"""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, served_versions, wait_for
from drill import OF_SERVICES, World, findings, parts_live, requests, silent_doctor
from stack_runs import Pipeline
from stack_state import history

pytestmark = [pytest.mark.stack, pytest.mark.long]
AIM_S = 180.0
AWAY = OF_SERVICES | {"service-answer", "route-away", "outside"}
ONCE = ("bootstrap", "airflow_init")
# In every container: all processes but the init that is given to each. Docker then starts it by its policy.
DIE = ("sh", "-c", "kill -9 -1")


def well(world: World, began: float) -> float:
    """Seconds until four routes predict; then the parts of Airflow are waited for as well."""
    healing = datetime.now(UTC)
    wait_for("four routes", lambda: set(served_versions(world.serve)) == set(MODELS), 3 * AIM_S)
    took = time.monotonic() - began
    wait_for("a task that ends", parts_live(world, healing), 3 * AIM_S)
    return took


def ids(stack: Stack) -> dict[str, str]:
    return {one["ID"]: one["Service"] for one in stack.containers() if one["Service"] not in ONCE}


def started(stack: Stack) -> dict[str, str]:
    """Container → when it was started last."""
    told = ["docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *ids(stack)]
    lines = subprocess.run(told, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split() for line in lines)


def kill_all(stack: Stack) -> None:
    """At once, without Docker's doing: it sees containers end, and nobody asked for it."""

    def kill(container: str) -> None:
        subprocess.run(["docker", "exec", container, *DIE], capture_output=True, timeout=120)

    found = ids(stack)
    with ThreadPoolExecutor(len(found)) as threads:
        list(threads.map(kill, found))


def names_the_dead(stack: Stack) -> list[str]:
    """Checks by which the doctor says that something is away."""
    named = {one["check"] for one in findings(stack, by_host=True)} & AWAY
    assert named != set()
    return sorted(named)


def test_all_of_it_comes_back_with_its_work(
    drilled: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any]
) -> None:
    before = history(airflow)
    pipeline = Pipeline(drilled, airflow, ("XGBoost",), 800, 6)
    try:
        # Nobody is there to answer: statuses tell how long, and are not judged.
        with requests(drilled, airflow, serve, examples) as world:
            met, began = pipeline.under_way(), time.monotonic()
            drilled.compose("stop")
            stopped = time.monotonic()
            try:
                away = {one["check"] for one in findings(drilled, by_host=True)} & AWAY
            finally:
                ordered = time.monotonic()
                drilled.compose("start")
            stop_start = well(world, ordered)
            figures["drill: stop and start of everything"] = (
                f"met {met}, stopped in {stopped - began:.0f} s for {ordered - stopped:.0f} s, four routes "
                f"{stop_start:.0f} s after (aimed at {AIM_S:.0f}), {world.all_routes()}, doctor: "
                f"{sorted(away) or 'nothing'}"
            )

            met, were = pipeline.under_way(), started(drilled)
            counted, began = world.loop.so_far(), time.monotonic()
            kill_all(drilled)
            named = wait_for("the doctor names the dead", lambda: names_the_dead(drilled), 60)
            died = well(world, began)
            figures["drill: every process killed"] = (
                f"met {met}, four routes {died:.0f} s after (aimed at {AIM_S:.0f}), "
                f"{world.routes(began, counted)}, doctor: {', '.join(named)}"
            )
            pipeline.finish()
        assert away == set()
        again = started(drilled)
        assert [name for name in were if again[name] == were[name]] == []
        assert before <= history(airflow)
        silent_doctor(drilled)
    finally:
        pipeline.close()
