"""The embedded pipeline, run as its user runs it: sample, table, four models, four routes, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest

MODELS = ("XGBoost", "SVR", "CatBoost", "KNN")
MARK = "TURO_DEMO_TEST"


@pytest.fixture(scope="module")
def crowd() -> Iterator[None]:
    """Another Ray Serve on this machine: each of its fixed ports is taken, the shareable ones shareably."""
    from turo.serving.node import SHARED_PORTS

    with ExitStack() as held:
        for port in SHARED_PORTS.values():
            taken = held.enter_context(socket.socket())
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with suppress(OSError):  # then somebody else holds it, which serves as well
                taken.bind(("127.0.0.1", port))
                taken.listen()
        yield


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, crowd: None
) -> Iterator[tuple[subprocess.Popen[str], list[str], Path]]:
    """A running demo, the lines it has printed until it serves, and its folder."""
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [sys.executable, "-c", "from turo.cli import main; main()", "demo", "--folder", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, MARK: str(folder), "COLUMNS": "4000"},
    )  # fmt: skip
    lines: list[str] = []
    serving = threading.Event()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.append(line.rstrip())
            if "Serving until Ctrl-C" in line:
                break
        serving.set()

    threading.Thread(target=read, daemon=True).start()
    serving.wait(timeout=600)
    log = folder / "demo.log"
    assert process.poll() is None and lines and "Serving" in lines[-1], "\n".join(
        [*lines, log.read_text()[-6000:] if log.exists() else ""]
    )
    yield process, lines, folder
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def family(folder: Path) -> list[psutil.Process]:
    """Every process that inherited the demo's environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_step_is_shown_and_every_route_answers(
    demo: tuple[subprocess.Popen[str], list[str], Path],
) -> None:
    _, lines, _ = demo
    text = "\n".join(lines)
    for step in ("sample data", "MLflow on", "local Ray", "table of features", *MODELS, "routes on"):
        assert step in text
    for name in MODELS:
        assert re.search(rf'{name} version 1: \{{"predictions":\[[0-9.]+\]\}}', text), text


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_printed_curl_works(demo: tuple[subprocess.Popen[str], list[str], Path]) -> None:
    _, lines, _ = demo
    command = next(line for line in lines if line.startswith("curl"))
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert answer.stdout.startswith('{"predictions":['), answer


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ctrl_c_leaves_nothing_running(demo: tuple[subprocess.Popen[str], list[str], Path]) -> None:
    process, lines, folder = demo
    serve = next(match[0] for line in lines if (match := re.search(r"http://127\.0\.0\.1:\d+(?=/KNN)", line)))
    assert family(folder)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=120) == 0
    _, alive = psutil.wait_procs(family(folder), timeout=60)
    assert not alive
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{serve}/KNN")
