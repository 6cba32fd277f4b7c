"""Every user's second step: his own files in the sample's place, and the sample again."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import own_fleets
import pytest
from airflow_api import AirflowApi
from compose_stack import REPOSITORY, Stack, figures, wait_for
from own_fleets import OwnFleet

pytestmark = pytest.mark.stack
INPUTS = ("reservations.csv", "vehicles.csv", "blocks.csv")
WALK: list[tuple[str, Callable[[Path], OwnFleet]]] = [
    ("an export", own_fleets.export),
    ("sixty trips", own_fleets.tiny_export),
]


@pytest.fixture(scope="module")
def datas(stack: Stack) -> Iterator[Path]:
    """The data folder; at the end it holds the sample's files."""
    yield (folder := stack.folder / "datas")
    for name in INPUTS:
        shutil.copy(REPOSITORY / "datas" / name, folder / name)


@pytest.fixture(scope="module")
def sample() -> dict[str, bytes]:
    """The sample's input."""
    return {name: (REPOSITORY / "datas" / name).read_bytes() for name in INPUTS}


@pytest.fixture(scope="module")
def forecast_before(datas: Path) -> set[str]:
    """The vehicles that the sample's forecast holds."""
    return vehicles_in(datas / "forecasts.csv")


def vehicles_in(path: Path) -> set[str]:
    with path.open() as handle:
        return {row["vehicle_id"] for row in csv.DictReader(handle)}


def fleet_of(datas: Path) -> str:
    return str(json.loads((datas / "manifest.json").read_text())["fleet"]["id"])


def run_all(airflow: AirflowApi) -> tuple[str, str]:
    """Trigger prepare_data as a user would, and await the forecast it starts; the ids of both runs."""

    def forecasts() -> set[str]:
        return {run["dag_run_id"] for run in airflow.runs("forecast_fleet")}

    # A forecast that waits for its turn would be made of the new files, under the old run's name.
    wait_for("no forecast under way", lambda: airflow.is_idle("forecast_fleet"), timeout=1200)
    before = forecasts()
    prepared = airflow.trigger("prepare_data", {"models": ["XGBoost"]})
    airflow.wait("prepare_data", prepared, timeout=900)
    started = wait_for("a run of forecast_fleet", lambda: forecasts() - before or None, timeout=120)
    forecast = started.pop()
    airflow.wait("forecast_fleet", forecast, timeout=1200)
    return prepared, forecast


def tasks(airflow: AirflowApi, dag: str, run: str) -> dict[str, dict[str, Any]]:
    return {task["task_id"]: task for task in airflow.task_instances(dag, run)}


@pytest.mark.parametrize(("name", "put"), WALK, ids=[name for name, _ in WALK])
def test_own_files_take_the_sample_s_place(
    airflow: AirflowApi,
    serve: str,
    datas: Path,
    sample: dict[str, bytes],
    forecast_before: set[str],
    name: str,
    put: Callable[[Path], OwnFleet],
) -> None:
    for file in INPUTS:
        (datas / file).write_bytes(sample[file])
    own = put(datas)
    strangers = {line.split(",")[0] for line in sample["vehicles.csv"].decode().splitlines()[1:]}
    began = time.monotonic()
    prepared, forecast = run_all(airflow)
    figures[f"from the sample to {name}"] = f"{time.monotonic() - began:.0f} s"

    steps = tasks(airflow, "prepare_data", prepared)
    assert steps["prepare"]["state"] == "success", airflow.explain("prepare_data", prepared)
    if own.trainable:
        assert {task["state"] for task in steps.values()} == {"success"}, airflow.explain(
            "prepare_data", prepared
        )
    else:
        assert steps["improve.train"]["state"] == "failed"
        assert steps["improve.train"]["try_number"] == 1, "an error of the input was tried again"
        assert "are needed" in airflow.task_log(steps["improve.train"])

    made = tasks(airflow, "forecast_fleet", forecast)
    assert made["forecast"]["state"] == "success", airflow.explain("forecast_fleet", forecast)
    assert vehicles_in(datas / "forecasts.csv") == own.vehicles
    page = (datas / "report.html").read_text()
    assert not {vehicle for vehicle in strangers if vehicle in page}
    kept = [vehicles_in(path) for path in (datas / "other-fleets").glob("*/forecasts.csv")]
    assert forecast_before in kept

    answer = httpx.post(f"{serve}/XGBoost/forecast", json={"vehicle_id": min(own.vehicles)}, timeout=30)
    about = httpx.get(f"{serve}/XGBoost", headers={"Accept": "application/json"}, timeout=30).json()
    if own.trainable:
        assert answer.status_code == 200, answer.text
        assert about["fleet"]["id"] == fleet_of(datas)
    else:
        assert answer.status_code == 409, answer.text
        assert "another fleet" in answer.text
        assert about["fleet"]["id"] != fleet_of(datas)
        assert about["warning"]
    ready = httpx.post(f"{serve}/XGBoost", json=about["example"], timeout=30)
    assert ready.status_code == 200
    assert ("X-Model-Warning" in ready.headers) is (not own.trainable)


def test_the_sample_comes_back_with_its_report(
    airflow: AirflowApi, serve: str, datas: Path, sample: dict[str, bytes], forecast_before: set[str]
) -> None:
    for file in INPUTS:
        (datas / file).write_bytes(sample[file])
    prepared, forecast = run_all(airflow)
    states = {task["state"] for task in airflow.task_instances("prepare_data", prepared)}
    assert states == {"success"}, airflow.explain("prepare_data", prepared)
    assert vehicles_in(datas / "forecasts.csv") == forecast_before
    about = httpx.get(f"{serve}/XGBoost", headers={"Accept": "application/json"}, timeout=30).json()
    assert about["fleet"]["id"] == fleet_of(datas)
    answer = httpx.post(f"{serve}/XGBoost/forecast", json={"vehicle_id": min(forecast_before)}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert tasks(airflow, "forecast_fleet", forecast)["forecast"]["state"] == "success"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name[0] != "."
    }


def test_reset_sample_runs_in_the_stack(stack: Stack, datas: Path) -> None:
    before = contents(datas)
    stack.execute("ray", "turo", "reset-sample", "--yes")
    left = {path.name for path in datas.iterdir()}
    assert not left & {*INPUTS, "datas.parquet", "manifest.json", "forecasts.csv", "report.html"}
    stack.execute("ray", "turo", "reset-sample", "--undo")
    assert contents(datas) == before
