"""One real stack for the whole session, started from a clean copy of the checkout, taken away at the end.

A plugin of pytest that `tests/stack/` and `tests/drills/` register, once: both are tested on the same stack.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import HOST_USER, MODELS, Stack, checkout, figures

TIMEOUT_S = 2700
PLUGIN = "whole_stack"
# Ports and image tags away from the defaults, so that a user's own running stack is left alone.
OWN_NAMES = {
    "AIRFLOW_PORT": "18080",
    "MLFLOW_PORT": "15000",
    "SERVE_PORT": "18000",
    "RAY_DASHBOARD_PORT": "18265",
    "RAY_CLIENT_PORT": "20001",
    "RAY_GCS_PORT": "16380",
    "JUPYTER_PORT": "18888",
    "PROMETHEUS_PORT": "19090",
    "ALERTMANAGER_PORT": "19093",
    "STATSD_EXPORTER_PORT": "19102",
    "GRAFANA_PORT": "13000",
    "TURO_TAG": "stack-test",
}
# Ray places replicas in turns: one more may land beside the first two, of three more one on an added node.
# Three more are asked for where a replica is meant to work on eight requests, half of its limit, at a time.
LIMITS = {"SERVE_MAX_REPLICAS": "5", "SERVE_MAX_ONGOING": "16"}


def register(config: pytest.Config) -> None:
    """Have the fixtures of this module, unless another folder of tests has brought them already."""
    if not config.pluginmanager.has_plugin(PLUGIN):
        config.pluginmanager.register(sys.modules[__name__], PLUGIN)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of the stack also builds and starts it: more than a unit test may take."""
    for item in items:
        if item.get_closest_marker("stack"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the measured figures below the results, so that a log is enough to read them."""
    if figures:
        terminalreporter.section("figures of the stack")
        for name, value in figures.items():
            terminalreporter.write_line(f"{name}: {value}")


def image_can_be_had(image: str) -> bool:
    """True where the image is on this machine or a registry hands it out."""
    if not subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode:
        return True
    pull = ["docker", "pull", "-q", image]
    try:
        return not subprocess.run(pull, capture_output=True, timeout=300).returncode
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A clean checkout; where the tests run as root it belongs to an ordinary user, as on most machines."""
    parent = Path(tempfile.mkdtemp(prefix="turo-stack-"))
    parent.chmod(0o755)
    target = checkout(parent / "turo")
    if os.geteuid() == 0:
        for path in [target, *target.rglob("*")]:
            os.lchown(path, HOST_USER, HOST_USER)
    yield target
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="session")
def built(folder: Path) -> Stack:
    """The project with its images built, nothing started."""
    stack = Stack(folder, "turo-stack-test", OWN_NAMES | LIMITS)
    images = stack.compose("config", "--images").stdout.split()
    if missing := [image for image in images if image.startswith("grafana/") and not image_can_be_had(image)]:
        figures["left out (no registry hands out its image)"] = ", ".join(missing)
        stack.absent = ("grafana",)
    stack.down("-v")
    began = time.monotonic()
    stack.compose("build", timeout=3000)
    figures["images built"] = f"{time.monotonic() - began:.0f} s"
    return stack


@pytest.fixture(scope="session")
def stack(built: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The stack, healthy; on any failure of the session its states and last logs are printed."""
    began = time.monotonic()
    try:
        built.up()
        figures["up, volumes empty, to healthy with four answering routes"] = (
            f"{time.monotonic() - began:.0f} s"
        )
        yield built
    finally:
        if request.session.testsfailed or not figures.get(
            "up, volumes empty, to healthy with four answering routes"
        ):
            print(built.diagnosis())
        if not os.environ.get("KEEP_STACK"):
            built.down("-v")


@pytest.fixture(scope="session")
def serve(stack: Stack) -> str:
    return stack.url("ray", 8000)


@pytest.fixture(scope="session")
def airflow(stack: Stack) -> AirflowApi:
    return AirflowApi(stack.url("airflow_api-server", 8080), "admin", "admin")


@pytest.fixture(scope="session")
def examples(serve: str) -> dict[str, dict[str, object]]:
    """One valid request body a model, as the route itself documents it."""
    return {name: httpx.get(f"{serve}/{name}", timeout=30).json()["example"] for name in MODELS}
