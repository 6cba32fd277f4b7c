"""A training meets the loss of MLflow, and of Airflow's API server for minutes: its run still ends well."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, served_versions, wait_for

pytestmark = pytest.mark.stack
NAME = "XGBoost"
OUTAGE_S = 120.0
# Long enough to be met by a loss: the log, by which that is seen, comes in pieces.
LONG = {"models": [NAME], "tune_trials": 8}

# Of this DAG run only: the forecast that it starts may train meanwhile.
RUNNING = """
import json, sys, mlflow
runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
own = {run.info.run_id for run in runs if run.data.tags.get("turo.run_key", "").startswith(sys.argv[1])}
assert own
family = [run for run in runs if {run.info.run_id, run.data.tags.get("mlflow.parentRunId")} & own]
print(json.dumps([run.info.run_id for run in family if run.info.status == "RUNNING"]))
"""
VERSIONS = """
import sys
from turo import settings
from turo.registry import client as connection
connection.use_mlflow(settings.load())
print(len(connection.client().search_model_versions(f"name = '{sys.argv[1]}'")))
"""


@contextmanager
def line_less(stack: Stack, number: int) -> Iterator[None]:
    """Data of the same fleet without one line of their first year, which all later features know.

    On data that were seen nothing would be trained; what starts after the horizon changes no row.
    """
    reservations = stack.folder / "datas" / "reservations.csv"
    before = reservations.read_bytes()
    lines = before.splitlines(keepends=True)
    reservations.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
    yield
    reservations.write_bytes(before)


@contextmanager
def paused(airflow: AirflowApi, dag: str) -> Iterator[None]:
    """While it is, a new table starts no run of it: it would train for minutes, and nobody looks at it."""
    airflow.patch(f"/dags/{dag}", {"is_paused": True})
    try:
        yield
    finally:
        airflow.patch(f"/dags/{dag}", {"is_paused": False})


def versions(stack: Stack) -> int:
    return int(stack.execute("mlflow", "python", "-c", VERSIONS, NAME).split()[-1])


def runs_under_way(stack: Stack, run: str) -> list[str]:
    """MLflow runs of a DAG run, trials included, that are said to be running."""
    return list(json.loads(stack.execute("mlflow", "python", "-c", RUNNING, run).splitlines()[-1]))


def train_under_way(airflow: AirflowApi, run: str) -> bool:
    """Whether the training's own log shows that its job is at work."""
    for task in airflow.task_instances("prepare_data", run):
        if task["task_id"].endswith("train") and task["state"] == "running":
            return "Trial 0" in airflow.task_log(task)
    return False


def test_the_loss_of_mlflow_and_an_outage_of_the_api_server(
    stack: Stack, airflow: AirflowApi, serve: str
) -> None:
    """The API server is killed for two minutes, MLflow meanwhile: the run ends well, its work is done once.

    Each by itself: tests/orchestration/test_outage.py (five minutes), tests/training/test_mlflow_dies.py.
    """
    before = versions(stack)
    with line_less(stack, 200), paused(airflow, "forecast_fleet"):
        run = airflow.trigger("prepare_data", LONG)
        wait_for("the training runs", lambda: train_under_way(airflow, run), timeout=400)
        stack.compose("kill", "-s", "SIGKILL", "airflow_api-server", "mlflow")
        gone = time.monotonic()
        stack.compose("up", "-d", "--no-recreate", "--wait", "--wait-timeout", "300", "mlflow")
        # The length of the outage is what is tested: nothing else says that it was long enough.
        wait_for("the outage is over", lambda: time.monotonic() - gone > OUTAGE_S, timeout=2 * OUTAGE_S)
        stack.compose("up", "-d", "--no-recreate", "--wait", "airflow_api-server")
        figures["API server away in a training"] = f"{time.monotonic() - gone:.0f} s"
        state = airflow.wait("prepare_data", run, timeout=1500)
    assert state == "success", airflow.explain("prepare_data", run)
    assert versions(stack) == before + 1
    assert runs_under_way(stack, run) == []
    assert set(served_versions(serve)) == set(MODELS)
