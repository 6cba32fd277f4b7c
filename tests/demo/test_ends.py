"""However a demo ends and whatever died before: in bounded time, and nothing of it stays.

One whose Serve hangs is ended in test_takehome.py, one that is well in test_demo.py.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_demo import Demo, kill, start, suspend

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]
ONE_MODEL = {"MODEL_NAMES": "KNN", "MODEL_PATHS": "knn"}


@pytest.fixture
def demo(folder: Path) -> Iterator[Demo]:
    running = start(folder, **ONE_MODEL)
    yield running
    kill(running.family())


def test_it_ends_though_all_else_died_or_hangs(demo: Demo) -> None:
    kill([*demo.parts("haproxy", "-db"), *demo.parts("raylet/raylet")])
    suspend([*demo.parts("uvicorn"), *demo.parts("gcs_server")])
    demo.end(signal.SIGINT)


def test_killed_it_leaves_nothing(demo: Demo) -> None:
    demo.end(signal.SIGKILL)
