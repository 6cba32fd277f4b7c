"""MLflow with a login: its own server as the container starts it, and everybody of ours who asks it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from local_ray import free_port
from serving_stack import until

from turo.errors import ConfigError, ServiceError
from turo.mlflow_container.accounts import keep_password, write_options
from turo.operate.ask import mlflow as asked
from turo.orchestration.wait_until_served import champion
from turo.registry.mlflow_login import mlflow_login
from turo.serving.replica.download import fetch
from turo.settings import Settings, load

PASSWORD = "correct horse: 100 %"
GUNICORN = "--config python:turo.mlflow_container.gunicorn_settings --worker-class gthread --threads 4"


def with_login(folder: Path, port: int, password: str = PASSWORD) -> Settings:
    return load(
        backend_uri=f"sqlite:///{folder}/mlflow.db",
        mlflow_tracking_uri=f"http://127.0.0.1:{port}",
        mlflow_tracking_username="admin",
        mlflow_tracking_password=password,
        service_deadline_s=5.0,
    )


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, int]]:
    """A server that was started with another password before, as it is after a change in .env."""
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("mlflow")
    settings = with_login(folder, free_port())
    store = SqlAlchemyStore()
    store.init_db(settings.backend_uri)
    store.create_user("admin", "the-one-before", is_admin=True)
    store.create_user("guest", "may-only-look")
    store.engine.dispose()
    assert keep_password(settings)
    write_options(folder / "basic_auth.ini", settings)
    environment = os.environ | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "basic_auth.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": "admin",
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_TRACKING_USERNAME": "admin",
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # As the entrypoint makes them of a TRACKING_PUBLIC_URL: tests/contracts/test_mlflow_entrypoint.py.
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"{settings.mlflow_tracking_uri[7:]},mlflow.turo.example.com:8443",
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": "https://mlflow.turo.example.com:8443",
    }
    command = [
        sys.executable, "-m", "turo.mlflow_container.server", "server", "--app-name", "basic-auth",
        "--backend-store-uri", settings.backend_uri, "--artifacts-destination", str(folder / "artifacts"),
        "--serve-artifacts", "--host", "127.0.0.1", "--port", settings.mlflow_tracking_uri.rpartition(":")[2],
        "--workers", "1", "--gunicorn-opts", GUNICORN, "--expose-prometheus", str(folder / "metrics"),
    ]  # fmt: skip
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            url = f"{settings.mlflow_tracking_uri}/health"
            until("MLflow answers", lambda: httpx.get(url, trust_env=False).status_code == 200, 120)
            yield settings, process.pid
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(started: tuple[Settings, int]) -> Settings:
    return started[0]


def test_what_was_started_is_gunicorn_and_nobody_waits_for_it(started: tuple[Settings, int]) -> None:
    _, number = started
    told = Path(f"/proc/{number}/cmdline").read_bytes()
    assert b"gunicorn" in told
    assert b"turo.mlflow_container.server" not in told  # as it was started


def get(settings: Settings, path: str, **headers: str) -> int:
    return httpx.get(f"{settings.mlflow_tracking_uri}{path}", headers=headers, trust_env=False).status_code


def test_without_a_login_there_is_health_and_metrics_and_nothing_else(server: Settings) -> None:
    search = "/api/2.0/mlflow/experiments/search?max_results=1"
    assert [get(server, path) for path in ("/health", "/mlflow-metrics")] == [200, 200]
    assert [get(server, path) for path in ("/", "/version", "/metrics", search)] == [401] * 4
    assert get(server, search, **mlflow_login(server)) == 200
    before = mlflow_login(server.model_copy(update={"mlflow_tracking_password": "the-one-before"}))
    assert get(server, search, **before) == 401


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("mlflow.turo.example.com:8443", "https://mlflow.turo.example.com:8443", 200),
        ("mlflow.turo.example.com:8443", "https://evil.example.com", 403),
        ("evil.example.com", "https://mlflow.turo.example.com:8443", 403),
    ],
)
def test_its_own_page_may_search_and_no_other(server: Settings, host: str, origin: str, status: int) -> None:
    url = f"{server.mlflow_tracking_uri}/ajax-api/2.0/mlflow/experiments/search"
    headers = {"Host": host, "Origin": origin, **mlflow_login(server)}
    assert httpx.post(url, json={"max_results": 1}, headers=headers, trust_env=False).status_code == status


@pytest.fixture(scope="module")
def registered(server: Settings) -> str:
    """A champion `KNN`, registered by MLflow's own library; returns the address of its artifacts."""
    told = """
import mlflow
client = mlflow.MlflowClient()
run = client.create_run("0").info.run_id
client.log_text(run, "hello", "model/a.txt")
client.create_registered_model("KNN")
client.create_model_version("KNN", f"runs:/{run}/model", run)
client.set_registered_model_alias("KNN", "champion", "1")
"""
    login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    place = {"MLFLOW_TRACKING_URI": server.mlflow_tracking_uri}
    subprocess.run([sys.executable, "-c", told], env=os.environ | login | place, check=True)
    return "KNN"


def test_who_waits_for_a_champion_has_the_login(server: Settings, registered: str) -> None:
    with httpx.Client(trust_env=False) as client:
        assert champion(registered, server, client) == "1"
        with pytest.raises(ServiceError, match="names no champion of KNN"):
            champion(registered, server.model_copy(update={"mlflow_tracking_password": ""}), client)


def test_who_asks_for_the_status_has_the_login(server: Settings, registered: str) -> None:
    found = asked.champion(server, registered)
    assert found is not None
    assert found.version == "1"
    with pytest.raises(ServiceError, match="401"):
        asked.champion(server.model_copy(update={"mlflow_tracking_password": "wrong-password"}), registered)


def test_a_replica_that_loads_has_the_login(server: Settings, registered: str, tmp_path: Path) -> None:
    """It gets as far as what is asked: there is no such model; without a login it gets nowhere."""
    from turo.errors import RegistryError

    with pytest.raises(RegistryError, match="MLflow has no"):
        fetch(server.mlflow_tracking_uri, "models:/m-0", tmp_path / "a", mlflow_login(server))
    with pytest.raises(ServiceError, match="401"):
        fetch(server.mlflow_tracking_uri, "models:/m-0", tmp_path / "b", {})


def test_a_password_is_taken_once_and_short_ones_never(tmp_path: Path) -> None:
    settings = with_login(tmp_path, 1)
    assert not keep_password(settings)  # MLflow makes the account itself
    with pytest.raises(ConfigError, match="has 11 characters, it takes 12 or more"):
        keep_password(with_login(tmp_path, 1, "x" * 11))
    with pytest.raises(ConfigError, match="the published default"):
        keep_password(with_login(tmp_path, 1, "password1234"))


def test_an_address_with_a_percent_sign_reaches_mlflow_as_it_is(tmp_path: Path) -> None:
    from mlflow.server.auth.config import read_auth_config

    uri = "postgresql+psycopg2://mlflow:a%40b@postgres/mlflow"
    write_options(tmp_path / "options.ini", load(backend_uri=uri))
    assert (tmp_path / "options.ini").stat().st_mode & 0o777 == 0o600
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(tmp_path / "options.ini"))
        assert read_auth_config().database_uri == uri
