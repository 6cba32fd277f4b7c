"""The loop closed: a planted shift of the fleet forecast's inputs is one retraining and one ledger line."""

from __future__ import annotations

import json

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.long]

# As if prices came in another unit from now on.
PLANT = """
import polars as pl
path = "/opt/turo/datas/forecast-inputs.parquet"
rows = pl.read_parquet(path)
rows.with_columns(pl.col("base_price_day") * 100).write_parquet(path)
"""


def retrainings(stack: Stack) -> list[dict[str, str]]:
    lines = stack.execute("mlflow", "turo", "ledger", "prepare_data").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in found if line["event"] == "retraining"]


def look(airflow: AirflowApi) -> None:
    run = airflow.trigger("retrain", {})
    assert airflow.wait("retrain", run, 300) == "success", airflow.explain("retrain", run)


def started(airflow: AirflowApi) -> list[str]:
    runs = [run["dag_run_id"] for run in airflow.runs("prepare_data")]
    return [run for run in runs if run.startswith("retrain__")]


def test_a_planted_shift_is_one_retraining(stack: Stack, airflow: AirflowApi) -> None:
    prometheus = stack.url("prometheus", 9090)

    def fires() -> bool:
        alerts = httpx.get(f"{prometheus}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return any(
            (one["labels"]["alertname"], one["state"]) == ("ForecastInputDrift", "firing") for one in alerts
        )

    assert not fires()
    wait_for("an idle pipeline", lambda: all(map(airflow.is_idle, ("prepare_data", "forecast_fleet"))), 900)
    stack.execute("ray", "python", "-c", PLANT)
    wait_for("the alert", fires, 300)
    look(airflow)
    assert started(airflow) == []  # AUTO_RETRAIN is off
    stack.environment["AUTO_RETRAIN"] = "1"
    try:
        stack.up()
        wait_for("the alert once Ray and the reconciler have started anew", fires, 300)
        look(airflow)
        look(airflow)  # while the retraining is under way
        (run,) = started(airflow)
        (line,) = retrainings(stack)
        assert line["run"] == run
        assert "inputs of the" in line["reason"]
        assert airflow.get(f"/dags/prepare_data/dagRuns/{run}")["conf"]["reason"] == line["reason"]
        assert airflow.wait("prepare_data", run, 1200) == "success", airflow.explain("prepare_data", run)
        look(airflow)
        assert started(airflow) == [run]
        assert len(retrainings(stack)) == 1
    finally:
        del stack.environment["AUTO_RETRAIN"]
        stack.up()
    wait_for("the end of the alert by the forecast that follows", lambda: not fires(), 1200)
    wait_for("an idle pipeline", lambda: airflow.is_idle("forecast_fleet"), 900)
    figures["retrainings by a planted shift"] = str(len(retrainings(stack)))
