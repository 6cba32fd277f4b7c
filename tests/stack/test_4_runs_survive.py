"""A training meets the loss of MLflow, and of Airflow's API server for minutes: its run still ends well."""

from __future__ import annotations

import time

import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, served_versions, wait_for
from stack_runs import line_less, paused, runs_under_way, versions

pytestmark = pytest.mark.stack
NAME = "XGBoost"
OUTAGE_S = 120.0
# Long enough to be met by a loss: the log, by which that is seen, comes in pieces.
LONG = {"models": [NAME], "tune_trials": 8}


def train_under_way(airflow: AirflowApi, run: str) -> bool:
    """Whether the training's own log shows that its job is at work."""
    for task in airflow.task_instances("prepare_data", run):
        if task["task_id"].endswith("train") and task["state"] == "running":
            return "Trial 0" in airflow.task_log(task)
    return False


@pytest.mark.long
def test_the_loss_of_mlflow_and_an_outage_of_the_api_server(
    stack: Stack, airflow: AirflowApi, serve: str
) -> None:
    """The API server is killed for two minutes, MLflow meanwhile: the run ends well, its work is done once.

    Each by itself: tests/orchestration/test_outage.py (five minutes), tests/training/test_mlflow_dies.py.
    """
    before = versions(stack, NAME)
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
    assert versions(stack, NAME) == before + 1
    assert runs_under_way(stack, run) == []
    assert set(served_versions(serve)) == set(MODELS)
