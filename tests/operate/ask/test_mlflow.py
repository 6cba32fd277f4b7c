"""MLflow: champions and refusals, read from a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from asked_services import Services, version
from tracking import mlflow_server

from turo.errors import ServiceError
from turo.operate.ask import mlflow
from turo.operate.ask.mlflow import Champion
from turo.registry.aliases import set_alias
from turo.registry.client import as_version, client
from turo.registry.decision_log import append_entry
from turo.settings import Settings


@pytest.fixture
def server(tracking: Path) -> Iterator[Settings]:
    """Settings that lead to a server on the test's own database."""
    with mlflow_server(tracking) as settings:
        # Its first answer takes longer than any later one: stores and queries are made.
        warm = {"experiment_ids": ["0"], "filter": "tags.`a` = 'b'"}
        url = f"{settings.mlflow_tracking_uri}/api/2.0/mlflow/runs/search"
        httpx.post(url, json=warm, timeout=60, trust_env=False).raise_for_status()
        yield settings


def test_a_champion_with_the_end_of_its_training(server: Settings) -> None:
    run = client().create_run("0", run_name="trained")
    client().set_terminated(run.info.run_id, end_time=1_795_000_000_000)
    client().create_registered_model("KNN")
    made = client().create_model_version("KNN", "/nowhere/model", run.info.run_id)
    assert mlflow.champion(server, "KNN") is None  # a model without the alias
    assert mlflow.champion(server, "Nobody") is None
    set_alias(as_version(made), "champion")
    told = mlflow.champion(server, "KNN")
    assert told is not None
    assert (told.version, told.run_id) == ("1", run.info.run_id)
    assert told.trained_at is not None
    assert told.trained_at.timestamp() == 1_795_000_000


def test_the_newest_refusal_of_each_model(server: Settings) -> None:
    assert mlflow.refusals(server) == {}  # no decision yet
    append_entry("refused", "KNN", "2", "too old")
    append_entry("promoted", "KNN", "3", "better")
    append_entry("refused", "SVR", "7", "its digest is wrong")
    append_entry("refused", "KNN", "4", "no such file")
    told = mlflow.refusals(server)
    assert {name: (one.version, one.reason) for name, one in told.items()} == {
        "KNN": ("4", "no such file"),
        "SVR": ("7", "its digest is wrong"),
    }
    assert told["KNN"].at.endswith("+00:00")


def test_a_run_that_is_gone_leaves_the_age_unknown(platform: Services, tmp_path: Path) -> None:
    platform.mlflow.pop("/api/2.0/mlflow/runs/get run-KNN")
    assert mlflow.champion(platform.settings(tmp_path), "KNN") == Champion("3", "run-KNN", None)


def test_an_end_that_no_calendar_has_is_none(platform: Services, tmp_path: Path) -> None:
    platform.mlflow["/api/2.0/mlflow/runs/get run-KNN"] = 200, {"run": {"info": {"end_time": 10**18}}}
    assert mlflow.champion(platform.settings(tmp_path), "KNN") == Champion("3", "run-KNN", None)


@pytest.mark.parametrize(("status", "code"), [(400, "BAD_REQUEST"), (403, ""), (500, "INTERNAL_ERROR")])
def test_a_refusal_is_not_taken_for_an_absent_model(
    platform: Services, tmp_path: Path, status: int, code: str
) -> None:
    said = {"error_code": code, "message": "Host not allowed"}
    platform.mlflow["/api/2.0/mlflow/registered-models/alias KNN"] = status, said
    with pytest.raises(ServiceError, match=rf"answered .* with {status} .*Host not allowed"):
        mlflow.champion(platform.settings(tmp_path), "KNN")


def test_a_model_s_name_may_be_any_text(platform: Services, tmp_path: Path) -> None:
    name = "K&N=1"
    platform.mlflow[f"/api/2.0/mlflow/registered-models/alias {name}"] = 200, {"model_version": version(name)}
    told = mlflow.champion(platform.settings(tmp_path), name)
    assert told is not None
    assert told.run_id == "run-K&N=1"
