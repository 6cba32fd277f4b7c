"""What a stranger has after `docker compose up -d --build --wait`: all healthy, four models answering."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import time
from typing import Any

import httpx
import pytest
from compose_stack import HOST_USER, MODELS, Stack, figures, wait_for
from container_costs import memory

pytestmark = pytest.mark.stack
ONE_OFFS = {"bootstrap", "airflow_init"}
EXPLAINED = {"XGBoost", "CatBoost"}


def test_every_service_is_healthy_and_one_offs_ended_well(stack: Stack) -> None:
    for container in stack.containers():
        if container["Service"] in ONE_OFFS:
            assert (container["State"], container["ExitCode"]) == ("exited", 0), container["Service"]
        else:
            assert (container["State"], container["Health"]) == ("running", "healthy"), container["Service"]


def test_every_service_of_the_compose_file_runs(stack: Stack) -> None:
    declared = set(stack.compose("config", "--services").stdout.split()) - set(stack.absent) - {"ray-worker"}
    assert {container["Service"] for container in stack.containers()} == declared


@pytest.mark.parametrize("name", MODELS)
def test_route_answers_its_own_example(serve: str, examples: dict[str, Any], name: str) -> None:
    answer = httpx.post(
        f"{serve}/{name}", json=examples[name], headers={"X-Request-Id": f"first-{name}"}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    predictions = answer.json()["predictions"]
    assert len(predictions) == len(examples[name]["inputs"])
    assert all(0 <= value <= 28 for value in predictions)
    assert answer.headers["X-Request-Id"] == f"first-{name}"
    assert answer.headers["X-Model-Version"].isdigit()


@pytest.mark.parametrize("name", MODELS)
def test_a_route_tells_why_its_prediction_is_what_it_is(
    serve: str, examples: dict[str, Any], name: str
) -> None:
    answer = httpx.post(f"{serve}/{name}/explain", json=examples[name], timeout=30)
    if name not in EXPLAINED:
        assert answer.status_code == 404, answer.text
        assert "xgboost" in answer.json()["detail"], answer.text
        return
    assert answer.status_code == 200, answer.text
    explanations = answer.json()["explanations"]
    predicted = httpx.post(f"{serve}/{name}", json=examples[name], timeout=30).json()["predictions"]
    assert [one["prediction"] for one in explanations] == predicted
    for one in explanations:
        assert one["base"] + sum(one["contributions"].values()) == pytest.approx(one["prediction"], abs=1e-5)


def test_forecast_looks_its_features_up(serve: str) -> None:
    body = {"vehicle_id": _any_vehicle(serve), "origin": "2026-11-23"}
    answer = httpx.post(f"{serve}/XGBoost/forecast", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    ends = [told["quantiles"][name] for name in ("q05", "q10", "q25", "q50", "q75", "q90", "q95")]
    assert ends == sorted(ends)
    assert 0 <= ends[0] <= ends[-1] <= 28
    assert told["functional"] == "median"
    assert told["prediction"] == told["median"] == told["quantiles"]["q50"]
    assert 0 <= told["mean"] <= 28
    assert told["interval"]["low"] <= told["prediction"] <= told["interval"]["high"]


def _any_vehicle(serve: str) -> str:
    """The first vehicle of the sample."""
    from compose_stack import REPOSITORY

    return (REPOSITORY / "datas" / "vehicles.csv").read_text().splitlines()[1].split(",")[0].strip('"')


def test_deployments_are_logged(stack: Stack) -> None:
    """A route answers as soon as its replica does; the reconciler looks, and writes, every two seconds."""
    lines = {f"[Ray Serve] DEPLOYED {name} version 1 at /{name}" for name in MODELS}

    def all_written() -> bool:
        log = stack.logs("mlflow", 5000)
        assert not (absent := {line for line in lines if line not in log}), absent
        return True

    wait_for("every deployment in the log", all_written, 60)


def test_files_made_by_containers_can_be_read_and_deleted_by_the_host_user(stack: Stack) -> None:
    folders = ("datas", "mlruns", "mlflow_artifacts")
    for name in folders:
        assert [path for path in (stack.folder / name).rglob("*") if path.is_file()], name
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = {"user": HOST_USER, "group": HOST_USER, "extra_groups": []}

    def none_is_barred() -> bool:  # a file that is replaced while `find` looks counts as barred, once
        barred = subprocess.run(
            ["find", *folders, "-type", "f", "!", "-readable", "-o", "-type", "d", "!", "-writable"],
            cwd=stack.folder, capture_output=True, text=True, **user,
        )  # fmt: skip
        assert (barred.stdout, barred.stderr, barred.returncode) == ("", "", 0)
        return True

    wait_for("all files open to the host's user", none_is_barred, timeout=30)


def test_memory_of_all_containers(stack: Stack) -> None:
    used = memory(stack)
    figures["memory of all containers"] = f"{sum(used.values()) / 2**30:.2f} GiB"
    assert sum(used.values()) < 7e9, used


def test_bytes_of_all_images_counting_shared_layers_once(stack: Stack) -> None:
    told = ["docker", "history", "--no-trunc", "--human=false", "--format", "json"]
    layers = set()
    for image in {container["Image"] for container in stack.containers()}:
        lines = subprocess.run([*told, image], capture_output=True, text=True, check=True).stdout
        for layer in map(json.loads, lines.splitlines()):
            layers.add((layer["CreatedAt"], layer["CreatedBy"], int(layer["Size"])))
    unique = sum(size for _, _, size in layers)
    figures["unique bytes of all images"] = f"{unique / 1e9:.2f} GB"
    assert 0 < unique < 5e9


def test_forecasts_and_report_come_without_a_click(stack: Stack, serve: str) -> None:
    """After the routes: their time is told from the moment in which all was healthy."""
    began = time.monotonic()
    wait_for("the report", lambda: httpx.get(f"{serve}/report", timeout=30).is_success, timeout=300)
    figures["from healthy to forecasts of 7, 28 and 90 days and the report"] = (
        f"{time.monotonic() - began:.0f} s"
    )
    with (stack.folder / "datas" / "forecasts.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {row["horizon_days"] for row in rows} == {"7", "28", "90"}
    assert {row["method"] for row in rows} == {"model"}
    browser = {"Accept": "text/html"}
    wait_for(
        "it on the home page",
        lambda: "Next 90 days" in httpx.get(serve, headers=browser, timeout=30).text,
        timeout=30,
    )
    address = f"http://localhost:{serve.rsplit(':', 1)[1]}/"
    wait_for("the address in the log", lambda: address in stack.compose("logs", "mlflow").stdout, timeout=60)
