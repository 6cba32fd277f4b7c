"""However a demo ends and whatever died before: in bounded time, and nothing of it stays.

One whose Serve hangs is ended in test_takehome.py, one that is well in test_demo.py.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_demo import Demo, start

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]
ONE_MODEL = {"MODEL_NAMES": "KNN", "MODEL_PATHS": "knn"}


@pytest.fixture
def demo(folder: Path) -> Iterator[Demo]:
    running = start(folder, **ONE_MODEL)
    yield running
    for process in running.family():
        process.kill()


def test_it_ends_though_all_else_died_or_hangs(demo: Demo) -> None:
    for process in [*demo.parts("haproxy", "-db"), *demo.parts("raylet/raylet")]:
        process.kill()
    for process in [*demo.parts("uvicorn"), *demo.parts("gcs_server")]:
        process.suspend()
    demo.end(signal.SIGINT)


def test_killed_it_leaves_nothing(demo: Demo) -> None:
    demo.end(signal.SIGKILL)
