"""A training meets the loss of Airflow's API server for minutes, or of MLflow: its run still ends well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow_api import AirflowApi
from compose_stack import REPOSITORY, Stack, figures, served_versions, wait_for

pytestmark = pytest.mark.stack
NAME = "CatBoost"
OUTAGE_S = 310.0
LONG = {"models": [NAME], "tune_trials": 5}  # about a minute of training

RUNNING = """
import mlflow
runs = mlflow.search_runs(search_all_experiments=True, filter_string="attributes.status = 'RUNNING'",
                          output_format="list")
print(len(runs))
"""
VERSIONS = """
import sys
from turo import registry
print(len(registry.client().search_model_versions(f"name = '{sys.argv[1]}'")))
"""


@pytest.fixture(autouse=True)
def other_data(stack: Stack) -> Iterator[None]:
    """A line less in each test: on the same data nothing would be trained."""
    reservations = stack.folder / "datas" / "reservations.csv"
    before = reservations.read_bytes()
    lines = before.splitlines(keepends=True)
    reservations.write_bytes(b"".join(lines[:-200] + lines[-199:]))
    yield
    sample = REPOSITORY / "datas" / "reservations.csv"
    Path(reservations).write_bytes(sample.read_bytes())


def versions(stack: Stack) -> int:
    return int(stack.execute("mlflow", "python", "-c", VERSIONS, NAME).split()[-1])


def train_under_way(airflow: AirflowApi, run: str) -> bool:
    """Whether the training's own log shows that its job is at work."""
    for task in airflow.task_instances("prepare_data", run):
        if task["task_id"].endswith("train") and task["state"] == "running":
            return "Trial 0" in airflow.task_log(task)
    return False


def test_an_outage_of_the_api_server(stack: Stack, airflow: AirflowApi, serve: str) -> None:
    """Away for longer than five minutes: the finished job's result is fetched by the next try."""
    before = versions(stack)
    run = airflow.trigger("prepare_data", LONG)
    wait_for("the training runs", lambda: train_under_way(airflow, run), timeout=400)
    stack.compose("kill", "-s", "SIGKILL", "airflow_api-server")
    gone = time.monotonic()
    wait_for("the outage is over", lambda: time.monotonic() - gone > OUTAGE_S, timeout=2 * OUTAGE_S)
    stack.compose("up", "-d", "--no-recreate", "--wait", "airflow_api-server")
    figures["API server away in a training"] = f"{time.monotonic() - gone:.0f} s"
    state = airflow.wait("prepare_data", run, timeout=1500)
    assert state == "success", airflow.explain("prepare_data", run)
    assert versions(stack) == before + 1
    assert stack.execute("mlflow", "python", "-c", RUNNING).split()[-1] == "0"
    assert served_versions(serve)[NAME]


def test_mlflow_killed_in_a_training(stack: Stack, airflow: AirflowApi) -> None:
    before = versions(stack)
    run = airflow.trigger("prepare_data", LONG)
    wait_for("the training runs", lambda: train_under_way(airflow, run), timeout=400)
    stack.compose("kill", "-s", "SIGKILL", "mlflow")
    stack.compose("up", "-d", "--no-recreate", "--wait", "--wait-timeout", "300", "mlflow")
    state = airflow.wait("prepare_data", run, timeout=1500)
    assert state == "success", airflow.explain("prepare_data", run)
    assert versions(stack) == before + 1
    assert stack.execute("mlflow", "python", "-c", RUNNING).split()[-1] == "0"
