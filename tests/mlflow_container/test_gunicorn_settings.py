"""The MLflow server: its metrics path alone is moved for the scrape; connections outlive a client's work."""

from __future__ import annotations

import http.client
import importlib
import select
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from local_ray import free_port
from serving_stack import until

from turo.mlflow_container.gunicorn_settings import with_metrics_path


def echo(environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
    """An application that answers with the path it was asked for."""
    return [environ["PATH_INFO"].encode()]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("/mlflow-metrics", b"/metrics"),
        ("/metrics", b"/metrics"),
        ("/", b"/"),
        ("/mlflow-metrics/x", b"/mlflow-metrics/x"),
        ("/api/2.0/mlflow/experiments/search", b"/api/2.0/mlflow/experiments/search"),
    ],
)
def test_only_the_metrics_path_is_moved(asked: str, answered: bytes) -> None:
    assert list(with_metrics_path(echo, {})({"PATH_INFO": asked}, None)) == [answered]


def test_only_the_metrics_path_is_let_in_by_itself() -> None:
    def told(environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        return [environ.get("HTTP_AUTHORIZATION", "").encode()]

    application = with_metrics_path(told, {"Authorization": "Basic ours"})
    assert list(application({"PATH_INFO": "/mlflow-metrics", "HTTP_AUTHORIZATION": "x"}, None)) == [
        b"Basic ours"
    ]
    assert list(application({"PATH_INFO": "/metrics"}, None)) == [b""]
    assert list(application({"PATH_INFO": "/", "HTTP_AUTHORIZATION": "theirs"}, None)) == [b"theirs"]


def test_gunicorn_accepts_the_module_as_its_configuration() -> None:
    config = pytest.importorskip("gunicorn.config").Config()
    module = importlib.import_module("turo.mlflow_container.gunicorn_settings")
    for hook in ("post_worker_init", "child_exit"):
        config.set(hook, getattr(module, hook))
        assert getattr(config, hook) is getattr(module, hook)


def test_a_dead_workers_gauges_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from turo.mlflow_container.gunicorn_settings import child_exit

    class Worker:
        pid = 4711

    # Imported first: whether values lie in files is decided then, and holds for the whole process.
    importlib.import_module("prometheus_client")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "gauge_liveall_4711.db").touch()
    (tmp_path / "gauge_liveall_4712.db").touch()
    child_exit(None, Worker())
    assert [path.name for path in tmp_path.iterdir()] == ["gauge_liveall_4712.db"]


def test_a_connection_lives_while_its_client_works_between_two_requests() -> None:
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "--config", "python:turo.mlflow_container.gunicorn_settings",
        "--worker-class", "gthread", "--threads", "2", "--bind", f"127.0.0.1:{port}",
        "wsgiref.simple_server:demo_app",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until("it answers", lambda: httpx.get(f"http://127.0.0.1:{port}").status_code == 200, 60)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/")
            connection.getresponse().read()
            kept = connection.sock
            # Gunicorn's own limit is 2 s, and it looks once a second; a closed socket could be read.
            assert select.select([kept], [], [], 5)[0] == []
            connection.request("GET", "/")
            assert (connection.getresponse().status, connection.sock) == (200, kept)
        finally:
            process.terminate()
