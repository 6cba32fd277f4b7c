"""However a demo ends and whatever died before: in bounded time, and nothing of it stays."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from running_demo import Demo, start

from turo.demo.guard import END_WITHIN_S, GRACE_S

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]
LATEST_S = END_WITHIN_S + GRACE_S + 20  # the machine may be busy
ONE_MODEL = {"MODEL_NAMES": "KNN", "MODEL_PATHS": "knn"}


@pytest.fixture
def demo(folder: Path) -> Iterator[Demo]:
    running = start(folder, **ONE_MODEL)
    yield running
    for process in running.family():
        process.kill()


def killed(*words: str) -> Callable[[Demo], None]:
    def happen(demo: Demo) -> None:
        for process in demo.parts(*words):
            process.kill()

    return happen


def stopped(*words: str) -> Callable[[Demo], None]:
    """Neither dead nor answering: what waits for it waits for ever."""

    def happen(demo: Demo) -> None:
        for process in demo.parts(*words):
            process.suspend()

    return happen


def end(demo: Demo, number: signal.Signals) -> float:
    """Tell it to end; returns the seconds until nothing of it is left."""
    began = time.monotonic()
    demo.process.send_signal(number)
    _, alive = psutil.wait_procs(demo.family(), timeout=LATEST_S)
    assert not alive
    assert not demo.family()
    demo.process.wait(timeout=5)
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("number", "before"),
    [
        pytest.param(signal.SIGTERM, [stopped("ServeController")], id="controller hangs"),
        pytest.param(
            signal.SIGINT,
            [killed("haproxy", "-db"), stopped("uvicorn"), killed("raylet/raylet"), stopped("gcs_server")],
            id="all else",
        ),
    ],
)
def test_it_ends_whatever_died_before(
    demo: Demo, before: list[Callable[[Demo], None]], number: signal.Signals
) -> None:
    for happen in before:
        happen(demo)
    assert end(demo, number) < LATEST_S


def test_killed_it_leaves_nothing(demo: Demo) -> None:
    assert end(demo, signal.SIGKILL) < LATEST_S
