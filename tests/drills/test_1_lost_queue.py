"""Redis restarted while a task of hours is under way: what comes after it is done beside it, not after it."""

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
def wait() -> None:
    while not Path({GO!r}).exists():
        time.sleep(1)
@dag(schedule=None)
def {NAME}() -> None:
    wait()
{NAME}()
"""
VEHICLES = [str(number) for number in range(8)]  # more tasks at once than a worker has processes


@pytest.fixture
def long_run(drilled: Stack, airflow: AirflowApi) -> Iterator[str]:
    """A run whose one task works until it is told to end."""
    path = drilled.folder / "dags" / f"{NAME}.py"
    path.write_text(DAG)
    path.chmod(0o644)

    def known() -> bool:
        return NAME in {one["dag_id"] for one in airflow.get("/dags", limit=100)["dags"]}

    try:
        wait_for("the new DAG", known, 120)
        run = airflow.trigger(NAME, {})
        wait_for("its task", partial(works, airflow, run), 60)
        yield run
    finally:
        drilled.execute("airflow_worker", "rm", "-f", GO)
        path.unlink()


def works(airflow: AirflowApi, run: str) -> bool:
    return [one["state"] for one in airflow.task_instances(NAME, run)] == ["running"]


def test_what_is_triggered_afterwards_does_not_wait_for_it(
    drilled: Stack, airflow: AirflowApi, long_run: str
) -> None:
    drilled.compose("restart", "redis")
    run = airflow.trigger("example_dag", {"vehicles": VEHICLES})
    assert airflow.wait("example_dag", run, timeout=150, period=0.5) == "success"
    told = airflow.get(f"/dags/example_dag/dagRuns/{run}")
    figures["drill: redis restarted beside a task of hours"] = (
        f"{told['duration']:.0f} s for ten tasks after it"
    )
    assert works(airflow, long_run)
    drilled.execute("airflow_worker", "touch", GO)
    assert airflow.wait(NAME, long_run, timeout=60) == "success"
    (task,) = airflow.task_instances(NAME, long_run)
    assert task["try_number"] == 1
