"""The stack of the stack tests, started where they left it down; idle, with nothing that starts by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
import whole_stack
from airflow_api import AirflowApi
from compose_stack import Stack, figures, wait_for
from stack_runs import paused

WORKING = ("prepare_data", "forecast_fleet", "new_files")
# They would train or back up in between, and nothing could be counted.
BY_THEMSELVES = ("forecast_fleet", "new_files", "nightly_backup", "retrain")


def pytest_configure(config: pytest.Config) -> None:
    whole_stack.register(config)


@pytest.fixture(scope="session")
def drilled(stack: Stack, airflow: AirflowApi, serve: str) -> Iterator[Stack]:
    """The stack with its own registry, all healthy, nothing under way."""
    began = time.monotonic()
    stack.environment.pop("BACKEND_URI", None)  # the stack tests leave MLflow on a database that is gone
    stack.up()
    wait_for("the first report", lambda: httpx.get(f"{serve}/report", timeout=30).is_success, 600)
    wait_for("every DAG", lambda: {d["dag_id"] for d in airflow.get("/dags")["dags"]} >= set(WORKING), 300)
    wait_for("an idle pipeline", lambda: all(map(airflow.is_idle, WORKING)), 1200)
    with paused(airflow, *BY_THEMSELVES):
        yield stack
    figures["all drills"] = f"{time.monotonic() - began:.0f} s"
