"""After prepare_data the fleet is forecast by itself: files, report and PostgreSQL."""

from __future__ import annotations

import csv
import time
from collections import Counter
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, wait_for

pytestmark = pytest.mark.stack
COUNT = "SELECT model, horizon_days, count(*) FROM forecasts GROUP BY 1, 2 ORDER BY 2"


def test_the_table_of_prepare_data_starts_the_forecast(airflow: AirflowApi) -> None:
    if not airflow.runs("prepare_data"):
        assert airflow.wait("prepare_data", airflow.trigger("prepare_data", {}), timeout=900) == "success"

    def begun() -> dict[str, Any] | None:
        runs = airflow.runs("forecast_fleet")
        return next((run for run in runs if run["run_type"] == "asset_triggered"), None)

    began = time.monotonic()
    run = wait_for("a run of forecast_fleet", begun, timeout=120)["dag_run_id"]
    state = airflow.wait("forecast_fleet", run, timeout=1200)
    assert state == "success", airflow.explain("forecast_fleet", run)
    figures["forecast_fleet, two models trained"] = f"{time.monotonic() - began:.0f} s"


def test_the_host_finds_forecasts_and_report_in_datas(stack: Stack) -> None:
    with (stack.folder / "datas" / "forecasts.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    models = {(row["model"], row["horizon_days"]) for row in rows}
    best = next(row for row in rows if row["horizon_days"] == "28")
    assert best["chosen_because"].startswith("best hold-out score of 4: ")
    kind = best["model"]  # that of the further horizons, too
    assert models == {(f"{kind}-7d", "7"), (kind, "28"), (f"{kind}-90d", "90")}
    vehicles = {row["vehicle_id"] for row in rows}
    assert len(rows) == 3 * len(vehicles) > 150
    assert all(float(row["low"]) <= float(row["high"]) for row in rows)
    page = (stack.folder / "datas" / "report.html").read_text()
    assert "Fleet calendar" in page
    assert "://" not in page


def test_postgresql_has_the_same_rows(stack: Stack) -> None:
    told = stack.execute("postgres", "psql", "-U", "postgres", "-d", "forecasts", "-Atc", COUNT).split()
    with (stack.folder / "datas" / "forecasts.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    counted = Counter((row["model"], int(row["horizon_days"])) for row in rows)
    by_days = sorted(counted.items(), key=lambda item: item[0][1])
    assert told == [f"{model}|{days}|{count}" for (model, days), count in by_days]
