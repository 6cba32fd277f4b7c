"""Redis restarted while tasks of hours are under way: what comes after is done beside them, not after them.

They leave one of a worker's four processes idle, so that hardly any task can find it by luck.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, wait_for

pytestmark = pytest.mark.stack
NAME, GO = "waits_for_a_file", "/opt/airflow/logs/go"
DAG = f"""
import time
from pathlib import Path
from airflow.sdk import dag, task
@task
def wait(number: int) -> None:
    while not Path({GO!r}).exists():
        time.sleep(1)
@dag(schedule=None)
def {NAME}() -> None:
    wait.expand(number=[1, 2, 3])
{NAME}()
"""
VEHICLES = [str(number) for number in range(8)]


@pytest.fixture
def long_run(drilled: Stack, airflow: AirflowApi) -> Iterator[str]:
    """A run whose tasks work until they are told to end."""
    path = drilled.folder / "dags" / f"{NAME}.py"
    path.write_text(DAG)
    path.chmod(0o644)

    def known() -> bool:
        return NAME in {one["dag_id"] for one in airflow.get("/dags", limit=100)["dags"]}

    runs: list[str] = []
    try:
        wait_for("the new DAG", known, 120)
        runs.append(airflow.trigger(NAME, {}))
        wait_for("its tasks", partial(works, airflow, runs[0]), 60)
        yield runs[0]
    finally:
        drilled.execute("airflow_worker", "touch", GO)
        for run in runs:  # whatever failed: nobody may keep three of four processes
            airflow.wait(NAME, run, timeout=120)
        drilled.execute("airflow_worker", "rm", GO)
        path.unlink()


def works(airflow: AirflowApi, run: str) -> bool:
    return [one["state"] for one in airflow.task_instances(NAME, run)] == ["running"] * 3


def test_what_is_triggered_afterwards_does_not_wait_for_them(
    drilled: Stack, airflow: AirflowApi, long_run: str
) -> None:
    drilled.compose("restart", "redis")
    run = airflow.trigger("example_dag", {"vehicles": VEHICLES})
    assert airflow.wait("example_dag", run, timeout=150, period=0.5) == "success"
    told = airflow.get(f"/dags/example_dag/dagRuns/{run}")
    figures["drill: redis restarted beside tasks of hours"] = (
        f"{told['duration']:.0f} s for ten tasks after it"
    )
    assert works(airflow, long_run)
    drilled.execute("airflow_worker", "touch", GO)
    assert airflow.wait(NAME, long_run, timeout=60) == "success"
    assert [one["try_number"] for one in airflow.task_instances(NAME, long_run)] == [1, 1, 1]
