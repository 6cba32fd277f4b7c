"""A data folder with a table of what lies in it, and the trigger that watches it: what it tells and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airflow_home  # noqa: F401 - before Airflow
import pytest

from turo.prepare import watched_inputs
from turo.table.names import MANIFEST

NAMES = ["reservations.csv", "vehicles.csv", "blocks.csv"]
PAUSE_S = 0.02
PATIENCE_S = 30.0  # this machine may be busy
LOOKS = 15  # more than a file that is away is waited for


def prepare(folder: Path, files: dict[str, str]) -> None:
    """The table is of these files now."""
    inputs = {name: {"sha256": sha} for name, sha in files.items()}
    (folder / MANIFEST).write_text(json.dumps({"inputs": inputs}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of what lies there."""
    for name in NAMES:
        (tmp_path / name).write_text(name)
    prepare(tmp_path, watched_inputs.digests(tmp_path, NAMES))
    return tmp_path


def trigger(folder: Path) -> Any:
    """A new one, as a triggerer makes it."""
    from turo.orchestration.changed_files import ChangedFiles

    return ChangedFiles(str(folder), NAMES, PAUSE_S)


class Watch:
    """A trigger that runs on."""

    def __init__(self, folder: Path, looks: Callable[[], int]) -> None:
        self._waiting: Any = None
        self._running = trigger(folder).run()
        self._looks = looks

    async def told(self) -> dict[str, str]:
        """The files of its next event."""
        told = await asyncio.wait_for(self._next(), PATIENCE_S)
        self._waiting = None
        files: dict[str, str] = told.payload["files"]
        return files

    async def is_silent(self, looks: int = LOOKS) -> bool:
        """Whether it looks so often and tells nothing."""
        waiting, last = self._next(), self._looks() + looks
        async with asyncio.timeout(PATIENCE_S):
            while not waiting.done() and self._looks() < last:
                await asyncio.wait([waiting], timeout=PAUSE_S)
        return not waiting.done()

    def _next(self) -> Any:
        self._waiting = self._waiting or asyncio.ensure_future(anext(self._running))
        return self._waiting


@pytest.fixture
def watch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Watch]:
    """Makes triggers that watch the folder; their looks are counted where they happen."""
    states, looks = watched_inputs.states, list[object]()

    def counted(*asked: Any) -> dict[str, watched_inputs.State]:
        looks.append(asked)
        return states(*asked)

    monkeypatch.setattr(watched_inputs, "states", counted)
    return lambda: Watch(folder, lambda: len(looks))
