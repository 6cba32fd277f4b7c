"""After prepare_data the fleet is forecast by itself: files, report and PostgreSQL."""

from __future__ import annotations

import csv
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, wait_for

pytestmark = pytest.mark.stack
QUANTILES = ("q05", "q10", "q25", "median", "q75", "q90", "q95")
TOTALS = "SELECT horizon_days, level, name, vehicles, mean, q10, q90 FROM forecast_totals"
# The first start's forecast of the same Monday is there as well; another model may have made it.
COUNT = """SELECT model, horizon_days, count(*) FROM forecasts
WHERE created_at = (SELECT max(created_at) FROM forecasts) GROUP BY 1, 2 ORDER BY 2"""


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
    # For the further horizons the kinds compete that were the best at 28 days, now or at the first start.
    kinds = {name.removesuffix(f"-{days}d") for name, days in models}
    assert sorted(days for _, days in models) == ["28", "7", "90"]
    assert kinds <= set(MODELS)
    assert (best["model"], "28") in models
    assert all(name.endswith(f"-{days}d") for name, days in models if days != "28")
    vehicles = {row["vehicle_id"] for row in rows}
    assert len(rows) == 3 * len(vehicles) > 150
    assert all(float(row["low"]) <= float(row["high"]) for row in rows)
    here = [row for row in rows if row["flag"] != "looks_gone"]
    for row in here:
        ends = [float(row[name]) for name in QUANTILES]
        assert ends == sorted(ends), row
        assert 0 <= ends[0] <= ends[-1] <= int(row["horizon_days"]), row
    assert here
    page = (stack.folder / "datas" / "report.html").read_text()
    assert "Fleet calendar" in page
    assert "://" not in page


def totals(stack: Stack) -> list[dict[str, str]]:
    with (stack.folder / "datas" / "forecast-totals.csv").open() as handle:
        return list(csv.DictReader(handle))


def test_totals_are_sums_of_the_vehicles_and_of_their_draws(stack: Stack) -> None:
    with (stack.folder / "datas" / "forecasts.csv").open() as handle:
        rows = [row for row in csv.DictReader(handle) if row["flag"] != "looks_gone"]
    drawn = pl.read_parquet(stack.folder / "datas" / "forecast-draws.parquet")
    assert {str(day) for day in drawn["origin_date"].unique()} == {row["origin_date"] for row in rows}
    fleet = {row["horizon_days"]: row for row in totals(stack) if row["level"] == "fleet"}
    assert set(fleet) == {"7", "28", "90"}
    for horizon, total in fleet.items():
        means = [float(row["mean"]) for row in rows if row["horizon_days"] == horizon]
        assert int(total["vehicles"]) == len(means)
        assert float(total["mean"]) == pytest.approx(sum(means), abs=0.1)
        part = drawn.filter(pl.col("horizon_days") == int(horizon))
        assert part["vehicle_id"].n_unique() == len(means)
        sums = part.group_by("draw").agg(pl.col("days").cast(pl.Float64).sum())["days"]
        assert len(sums) >= 500
        assert sums.mean() == pytest.approx(float(total["mean"]), abs=0.1)
        assert float(total["q10"]) < float(total["median"]) < float(total["q90"])
    assert {row["level"] for row in totals(stack)} == {"fleet", "class"}


def test_postgresql_has_the_same_totals(stack: Stack) -> None:
    told = stack.execute("postgres", "psql", "-U", "postgres", "-d", "forecasts", "-Atc", TOTALS).splitlines()
    found = {tuple(line.split("|")[:4]): [float(part) for part in line.split("|")[4:]] for line in told}
    written = {
        (row["horizon_days"], row["level"], row["name"], row["vehicles"]): [
            float(row[name]) for name in ("mean", "q10", "q90")
        ]
        for row in totals(stack)
    }
    assert set(found) == set(written)
    for key, numbers in written.items():
        assert found[key] == pytest.approx(numbers, abs=1e-3), key


def test_postgresql_has_the_same_rows(stack: Stack) -> None:
    told = stack.execute("postgres", "psql", "-U", "postgres", "-d", "forecasts", "-Atc", COUNT).split()
    with (stack.folder / "datas" / "forecasts.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    counted = Counter((row["model"], int(row["horizon_days"])) for row in rows)
    by_days = sorted(counted.items(), key=lambda item: item[0][1])
    assert told == [f"{model}|{days}|{count}" for (model, days), count in by_days]


def test_the_replay_writes_a_track_record(airflow: AirflowApi, stack: Stack) -> None:
    """Eight Mondays; of the last four the window of 28 days is not over."""
    run = airflow.trigger("replay_track_record", {"since": "2026-10-05", "model": "XGBoost"})
    began = time.monotonic()
    state = airflow.wait("replay_track_record", run, timeout=1200)
    assert state == "success", airflow.explain("replay_track_record", run)
    figures["replay of 8 Mondays"] = f"{time.monotonic() - began:.0f} s"
    with (stack.folder / "datas" / "track-record.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    fleet = [row for row in rows if row["level"] == "fleet" and row["horizon_days"] == "28"]
    mondays = [f"{datetime(2026, 10, 5) + timedelta(weeks=week):%Y-%m-%d}" for week in range(8)]
    assert [row["origin_date"] for row in fleet] == mondays
    assert [bool(row["actual"]) for row in fleet] == [True] * 4 + [False] * 4
    for row in fleet:
        assert float(row["low"]) < float(row["mean"]) < float(row["high"])
    page = (stack.folder / "datas" / "track-record.html").read_text()
    assert "://" not in page and "2026-10-05" in page
