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


def idle(airflow: AirflowApi) -> None:
    """Nothing may be under way: its forecast would be made of the new files, under the old run's name."""
    wait_for(
        "no run under way",
        lambda: all(airflow.is_idle(dag) for dag in ("new_files", "prepare_data", "forecast_fleet")),
        timeout=1200,
    )


def begun(airflow: AirflowApi, dag: str) -> set[str]:
    return {run["dag_run_id"] for run in airflow.runs(dag)}


def drop(airflow: AirflowApi, put: Callable[[], Any]) -> tuple[str, str]:
    """Put files into datas/ and touch nothing else; the runs of prepare_data and forecast_fleet it starts."""
    idle(airflow)
    before = {dag: begun(airflow, dag) for dag in ("prepare_data", "forecast_fleet")}
    put()
    started = wait_for(
        "prepare_data", lambda: begun(airflow, "prepare_data") - before["prepare_data"] or None, 240
    )
    (prepared,) = started
    airflow.wait("prepare_data", prepared, timeout=1200)

    def told() -> set[str] | None:
        """By the table, that is: the weekly run may come as well."""
        runs = airflow.runs("forecast_fleet")
        of_a_table = {run["dag_run_id"] for run in runs if run["run_type"] == "asset_triggered"}
        return of_a_table - before["forecast_fleet"] or None

    (forecast,) = wait_for("a run of forecast_fleet", told, timeout=120)
    airflow.wait("forecast_fleet", forecast, timeout=1200)
    assert begun(airflow, "prepare_data") - before["prepare_data"] == {prepared}  # once, however many files
    return prepared, forecast


def tasks(airflow: AirflowApi, dag: str, run: str) -> dict[str, dict[str, Any]]:
    return {task["task_id"]: task for task in airflow.task_instances(dag, run)}


@pytest.mark.parametrize(
    ("name", "put"),
    [
        pytest.param("an export", own_fleets.export, id="an export"),
        pytest.param("sixty trips", own_fleets.tiny_export, id="sixty trips", marks=pytest.mark.long),
    ],
)
def test_own_files_take_the_sample_s_place(
    airflow: AirflowApi,
    serve: str,
    datas: Path,
    sample: dict[str, bytes],
    forecast_before: set[str],
    name: str,
    put: Callable[[Path], OwnFleet],
) -> None:
    strangers = {line.split(",")[0] for line in sample["vehicles.csv"].decode().splitlines()[1:]}
    began = time.monotonic()
    placed: list[OwnFleet] = []

    def place() -> None:
        for file in INPUTS:
            (datas / file).write_bytes(sample[file])
        placed.append(put(datas))

    prepared, forecast = drop(airflow, place)
    (own,) = placed
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

    def place() -> None:
        for file in INPUTS:
            (datas / file).write_bytes(sample[file])

    prepared, forecast = drop(airflow, place)
    states = {task["state"] for task in airflow.task_instances("prepare_data", prepared)}
    assert states == {"success"}, airflow.explain("prepare_data", prepared)
    assert vehicles_in(datas / "forecasts.csv") == forecast_before
    about = httpx.get(f"{serve}/XGBoost", headers={"Accept": "application/json"}, timeout=30).json()
    assert about["fleet"]["id"] == fleet_of(datas)
    answer = httpx.post(f"{serve}/XGBoost/forecast", json={"vehicle_id": min(forecast_before)}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert tasks(airflow, "forecast_fleet", forecast)["forecast"]["state"] == "success"


def test_a_file_that_cannot_be_read_starts_nothing_and_is_told(
    airflow: AirflowApi, serve: str, datas: Path, sample: dict[str, bytes]
) -> None:
    idle(airflow)
    checked, prepared = begun(airflow, "new_files"), begun(airflow, "prepare_data")
    (datas / "reservations.csv").write_text("id,type,amount\n1,payout,2.00\n")
    started = wait_for("new_files", lambda: begun(airflow, "new_files") - checked or None, timeout=240)
    assert airflow.wait("new_files", started.pop(), timeout=300) == "failed"
    assert begun(airflow, "prepare_data") == prepared
    home = httpx.get(serve, headers={"Accept": "text/html"}, timeout=30)
    assert "reservations.csv" in home.text and "check" in home.text
    # The file of before is back: what it says was prepared already.
    (datas / "reservations.csv").write_bytes(sample["reservations.csv"])


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
