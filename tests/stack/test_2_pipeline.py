"""Triggered as a user would: Airflow's REST API with a token got for admin/admin."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, served_versions, wait_for
from request_loop import RequestLoop

pytestmark = pytest.mark.stack
AGAIN = ("XGBoost", "KNN")  # one of trees, one of a pipeline; each more costs half a minute


def test_no_import_errors(airflow: AirflowApi) -> None:
    """Healthy is a processor with a heartbeat; it has read every file somewhat later."""

    def all_read() -> bool:
        listed = {dag["dag_id"] for dag in airflow.get("/dags")["dags"]}
        assert listed >= {"prepare_data", "ray_integration", "example_dag"}, listed
        return True

    wait_for("every DAG", all_read, timeout=300)
    assert airflow.get("/importErrors")["import_errors"] == []


def test_prepare_data_replaces_the_served_models_without_a_blink(
    stack: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any]
) -> None:
    before = served_versions(serve)
    # Other data of the same fleet: on the same data nothing would be trained, nor replaced.
    reservations = stack.folder / "datas" / "reservations.csv"
    lines = reservations.read_text().splitlines(keepends=True)
    reservations.write_text("".join(lines[:100] + lines[101:]))
    began = time.monotonic()
    with RequestLoop(serve, examples) as loop:
        run = airflow.trigger("prepare_data", {})
        state = airflow.wait("prepare_data", run, timeout=900)
    figures["prepare_data on the sample"] = f"{time.monotonic() - began:.0f} s"
    figures["requests during the swap"] = str(dict(loop.statuses))
    assert state == "success", airflow.explain("prepare_data", run)
    after = served_versions(serve)
    assert all(int(after[name]) > int(before[name]) for name in MODELS), (before, after)
    assert set(loop.statuses) == {"200"}, loop.statuses
    assert {name: loop.took_over(name) for name in MODELS} == {n: [before[n], after[n]] for n in MODELS}


def test_the_same_data_make_no_new_version(airflow: AirflowApi, serve: str) -> None:
    before = served_versions(serve)
    run = airflow.trigger("prepare_data", {"models": list(AGAIN)})
    assert airflow.wait("prepare_data", run, timeout=600) == "success", airflow.explain("prepare_data", run)
    assert served_versions(serve) == before
    gates = [task for task in airflow.task_instances("prepare_data", run) if "gate" in task["task_id"]]
    assert len(gates) == len(AGAIN)
    assert all("nothing new is registered" in airflow.task_log(gate) for gate in gates)


def test_unknown_model_is_refused_by_name(airflow: AirflowApi) -> None:
    try:
        run = airflow.trigger("prepare_data", {"models": ["NoSuchModel"]})
    except httpx.HTTPStatusError as error:
        assert error.response.status_code in (400, 422)
        assert "NoSuchModel" in error.response.text
    else:
        assert airflow.wait("prepare_data", run, timeout=300) == "failed"
        assert "NoSuchModel" in airflow.explain("prepare_data", run)


def test_example_dag(airflow: AirflowApi) -> None:
    run = airflow.trigger("example_dag", {})
    assert airflow.wait("example_dag", run, timeout=180) == "success", airflow.explain("example_dag", run)
