"""The embedded pipeline, run as its user runs it: sample, table, four models, four routes, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from running_demo import Demo, kill, start

from turo.patience import Patience

MODELS = ("XGBoost", "SVR", "CatBoost", "KNN")
pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def crowd() -> Iterator[None]:
    """Another Ray Serve on this machine: each of its fixed ports is taken, the shareable ones shareably."""
    from turo.serving.ingress.node import SHARED_PORTS

    with ExitStack() as held:
        for port in SHARED_PORTS.values():
            taken = held.enter_context(socket.socket())
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with suppress(OSError):  # then somebody else holds it, which serves as well
                taken.bind(("127.0.0.1", port))
                taken.listen()
        yield


@pytest.fixture(scope="module")
def demo(folder: Path, crowd: None) -> Iterator[Demo]:
    running = start(folder)
    yield running
    kill(running.family())


def test_every_step_is_shown_and_every_route_answers(demo: Demo) -> None:
    for step in ("sample data", "MLflow on", "local Ray", "table of features", *MODELS, "routes on"):
        assert step in demo.text
    for name in MODELS:
        assert re.search(rf'{name} version 1: \{{"predictions":\[[0-9.]+\]\}}', demo.text), demo.text


def test_the_printed_curl_works(demo: Demo) -> None:
    command = next(line for line in demo.lines if line.startswith("curl"))
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert answer.stdout.startswith('{"predictions":['), answer


def test_its_proxy_tells_of_itself_on_the_loopback_only(demo: Demo) -> None:
    from turo.serving.ingress.node import SHARED_PORTS

    names = ("RAY_SERVE_HAPROXY_METRICS_PORT", "RAY_SERVE_HAPROXY_STATS_PORT")
    assert set(names) <= set(SHARED_PORTS)

    def look() -> tuple[dict[int, str], list[int]]:
        """Where the newest proxy listens, and the two ports it was given; nothing where it ends meanwhile."""
        with suppress(psutil.NoSuchProcess):
            proxy = max(demo.parts("haproxy", "-db"), key=lambda process: process.create_time())
            connections, environment = proxy.net_connections("tcp"), proxy.environ()
            listening = {c.laddr.port: c.laddr.ip for c in connections if c.status == "LISTEN"}
            return listening, [int(environment[name]) for name in names]
        return {}, []

    # Each change of what it serves starts another one, which takes a moment to listen.
    listening, given = Patience(0.2, 60).poll(
        look, done=lambda seen: seen[1] and set(seen[1]) <= set(seen[0])
    )
    assert [listening[port] for port in given] == ["127.0.0.1"] * len(names)
    assert set(listening.values()) == {"127.0.0.1"}


def test_ctrl_c_leaves_nothing_running(demo: Demo) -> None:
    serve = re.search(r"http://127\.0\.0\.1:\d+(?=/KNN)", demo.text)
    assert serve and demo.family()
    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(timeout=120) == 0
    _, alive = psutil.wait_procs(demo.family(), timeout=60)
    assert not alive
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{serve[0]}/KNN")
