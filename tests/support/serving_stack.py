"""The real thing, small: an MLflow server, a Ray head serving behind HAProxy, a reconciler between them."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from turo import settings as settings_module
from turo.registry.client import use_mlflow
from turo.settings import Settings

logger = logging.getLogger(__name__)

ATTEMPTS = 3  # to start Ray
START_S = 240.0  # generous: a busy machine with two cores
PATIENTLY: dict[str, Any] = {"timeout": 60.0, "trust_env": False}  # how it is asked: no proxy in between


@dataclass
class Stack:
    """Where everything is: the routes, Ray itself, and what it exports."""

    url: str
    settings: Settings
    folder: Path
    ray: str
    metrics: str

    def about(self, name: str) -> dict[str, Any]:
        """`GET /<name>`."""
        return httpx.get(f"{self.url}/{name}", **PATIENTLY).json()

    def example(self, name: str) -> dict[str, Any]:
        """A body that the route takes."""
        return self.about(name)["example"]


def belongs(process: psutil.Process, title: str, running: Stack) -> bool:
    """Whether a process of this title is one of this stack's."""
    try:
        return (
            title in " ".join(process.cmdline())
            and process.environ().get("DATA_DIR") == running.settings.data_dir
        )
    except psutil.Error:
        return False


def living(title: str, running: Stack) -> list[tuple[float, int]]:
    """When each living process of this title was started and its id, the newest last."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended since it was listed
            if belongs(process, title, running):
                found.append((process.create_time(), process.pid))
    return sorted(found)


def until(what: str, holds: Callable[[], Any], seconds: float = START_S) -> Any:
    """Wait until something holds and return it; otherwise say what did not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError, ValueError):
            if found := holds():
                return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def log_model(name: str, kind: str, rows: int = 400, sha256: str = "") -> str:
    """Log and register a tiny model; returns its version. A `sha256` makes it one whose files are wrong."""
    import mlflow
    import polars as pl
    from tiny_forecaster import tiny_columns, tiny_forecaster

    from turo.registry import versions
    from turo.registry.client import client
    from turo.training.artifacts import log_forecaster

    client()
    mlflow.set_experiment("turo")
    example = pl.DataFrame({key: values.tolist() for key, values in tiny_columns(20).items()})
    with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
        tags = log_forecaster(tiny_forecaster(kind, rows), example.fill_nan(None), Path(folder) / "model")
        mlflow.log_metrics({"mae": 3.0})
        mlflow.set_tags(tags | ({"turo.model_sha256": sha256} if sha256 else {}))
    return versions.register(run.info.run_id, name).version


def point(name: str, alias: str, version: str) -> None:
    """Move an alias."""
    from turo.registry.client import client

    client().set_registered_model_alias(name, alias, version)


@contextlib.contextmanager
def stack(
    folder: Path, names: tuple[str, ...], first_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """Everything up, with the environment of this process pointing at it; down again at the end."""
    from turo.demo.services import tracking_server

    serve, dashboard, tracking = first_port + 1000, first_port + 1001, first_port + 1002
    environment = {
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{tracking}",
        "BACKEND_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "ARTIFACT_ROOT": str(folder / "artifacts"),
        "TRACKING_PORT": str(tracking),
        "RAY_DASHBOARD_URL": f"http://127.0.0.1:{dashboard}",
        "RAY_HTTP_HOST": "127.0.0.1",
        "RAY_HTTP_PORT": str(serve),
        "SERVE_URL": f"http://127.0.0.1:{serve}",
        "RAY_AUTH_TOKEN": "token-of-the-serving-tests-0123456789",
        "RAY_AUTH_MODE": "token",
        "DATA_DIR": str(folder / "datas"),
        "STATUS_FILE": str(folder / "status.json"),
        "MODEL_NAMES": ",".join(names),
        "SERVE_LOG_ROWS": "1000",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_module.load()
    use_mlflow(settings)
    with tracking_server(settings, folder / "mlflow.log"), ray_head(folder, first_port, dashboard):
        ray, metrics = f"127.0.0.1:{first_port + 1003}", f"http://127.0.0.1:{first_port + 1006}/metrics"
        yield Stack(settings.serve_url, settings, folder, ray, metrics)


@contextlib.contextmanager
def ray_head(folder: Path, first_port: int, dashboard: int) -> Iterator[None]:
    """A head in a process group of its own."""
    from turo.serving.ingress.node import serve_node_environment

    short = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # it holds Unix sockets
    environment = {**os.environ, **serve_node_environment(short, first_port), "RAY_USAGE_STATS_ENABLED": "0"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    options = {
        "num-cpus": 2,
        "port": first_port + 1003,
        "ray-client-server-port": first_port + 1004,
        "dashboard-port": dashboard,
        "dashboard-agent-listen-port": first_port + 1005,
        "metrics-export-port": first_port + 1006,
        "object-store-memory": 100_000_000,
        "temp-dir": short,
    }
    command = ["ray", "start", "--head", "--block", "--disable-usage-stats", "--dashboard-host=127.0.0.1"]
    command += [f"--{name}={value}" for name, value in options.items()]
    headers = {"Authorization": f"Bearer {environment['RAY_AUTH_TOKEN']}"}
    address = f"http://127.0.0.1:{dashboard}/api/serve/applications/"
    for attempt in range(ATTEMPTS):
        with (folder / "ray.log").open("a") as log:
            head = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        until(
            "Ray's dashboard answers",
            lambda h=head: (  # type: ignore[misc]
                h.poll() is not None or httpx.get(address, headers=headers, **PATIENTLY).is_success
            ),
        )
        if head.poll() is None:
            break
        # A raylet gives its agent fifteen seconds, which a busy machine may not have.
        end_group(head)
        assert attempt + 1 < ATTEMPTS, (folder / "ray.log").read_text()
    try:
        yield
    finally:
        end_group(head)
        shutil.rmtree(short, ignore_errors=True)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started: a HAProxy is in no group of ours."""
    started: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
    for left in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()


@contextlib.contextmanager
def reconciling(settings: Settings) -> Iterator[Any]:
    """A reconciler in a thread; the block gets it to look at."""
    from turo.serving.control.decision_entries import record_refusal
    from turo.serving.control.reconcile import Reconciler
    from turo.serving.control.serve_client import Serve

    reconciler = Reconciler(settings, settings.model_names, Serve(settings), refused=record_refusal)
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.5):
            try:
                reconciler.tick(time.monotonic())
            except Exception:  # as `run_for_ever`, which nothing ends
                logger.exception("reconciling failed; trying again")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield reconciler
    finally:
        ended.set()
        thread.join()
