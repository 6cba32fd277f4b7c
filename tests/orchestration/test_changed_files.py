"""The trigger that notices other input files: what it tells where table, report and refusal follow later."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airflow_home  # noqa: F401 - before Airflow
import pytest

from turo import last_runs
from turo.errors import InputError
from turo.prepare import input_notes, watched_inputs
from turo.table.names import MANIFEST

NAMES = ["reservations.csv", "vehicles.csv", "blocks.csv"]
PAUSE_S = 0.02


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of what lies there."""
    for name in NAMES:
        (tmp_path / name).write_text(name)
    prepare(tmp_path, watched_inputs.digests(tmp_path, NAMES))
    return tmp_path


def prepare(folder: Path, files: dict[str, str]) -> None:
    """The table is of these files now."""
    inputs = {name: {"sha256": sha} for name, sha in files.items()}
    (folder / MANIFEST).write_text(json.dumps({"inputs": inputs}))


def put(folder: Path, text: str) -> dict[str, str]:
    (folder / NAMES[0]).write_text(text)
    return watched_inputs.digests(folder, NAMES)


class Watch:
    """A trigger that runs on, and what it told."""

    def __init__(self, folder: Path) -> None:
        from turo.orchestration.changed_files import ChangedFiles

        self._waiting: Any = None
        self._running = ChangedFiles(str(folder), NAMES, PAUSE_S).run()

    async def told(self, within_s: float = 5) -> dict[str, str] | None:
        self._waiting = self._waiting or asyncio.ensure_future(anext(self._running))
        done, _ = await asyncio.wait([self._waiting], timeout=within_s)
        if not done:
            return None
        files: dict[str, str] = self._waiting.result().payload["files"]
        self._waiting = None
        return files

    async def is_silent(self) -> bool:
        return await self.told(15 * PAUSE_S) is None


def test_files_that_are_back_are_told_once_the_table_is_of_others(folder: Path) -> None:
    async def look() -> None:
        watch = Watch(folder)
        other = put(folder, "other")
        assert await watch.told() == other
        back = put(folder, NAMES[0])
        assert await watch.is_silent()
        prepare(folder, other)
        assert await watch.told() == back
        assert await watch.is_silent()
        prepare(folder, back)
        assert await watch.is_silent()
        assert put(folder, "other") == await watch.told()

    asyncio.run(look())


PREPARING = """
import sys
from pathlib import Path
from turo import settings
from turo.commands import steps
from turo.errors import InputError
from turo.table.lock import exclusive

chosen = settings.load(data_dir=sys.argv[1])
with steps.noted(chosen, "prepare"), steps.remembered(chosen), exclusive(Path(sys.argv[1])):
    print("at work", flush=True)
    if sys.stdin.readline():
        raise InputError("No header that is known.", "Bring another.")
"""


@pytest.fixture
def preparing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A first `turo prepare` that is at work on the folder; what it is told makes it fail."""
    (folder / MANIFEST).unlink()
    command, pipe = [sys.executable, "-c", PREPARING, str(folder)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "at work\n"
        yield process
        process.kill()


@pytest.mark.parametrize("ending", ["made", "failed", "killed"])
def test_a_file_that_is_dropped_while_the_first_table_is_made_is_told_once_that_has_ended(
    folder: Path, preparing: subprocess.Popen[str], ending: str
) -> None:
    first = watched_inputs.digests(folder, NAMES)

    async def look() -> None:
        watch = Watch(folder)
        assert await watch.is_silent()
        dropped = put(folder, "dropped meanwhile")
        assert await watch.is_silent()
        if ending == "made":
            prepare(folder, first)
        elif ending == "failed":
            preparing.communicate("fail\n")
        else:
            preparing.kill()
        assert await watch.told() == dropped
        assert await watch.is_silent()
        if ending != "made":
            assert put(folder, NAMES[0]) == first
            assert await watch.is_silent()  # of these no table can be made

    asyncio.run(look())


def test_files_that_are_back_are_told_when_a_check_refuses_the_others(folder: Path) -> None:
    async def look() -> None:
        watch = Watch(folder)
        bad = put(folder, "bad")
        assert await watch.told() == bad
        back = put(folder, NAMES[0])
        assert await watch.is_silent()
        with pytest.raises(InputError), last_runs.noted(folder, "check"):
            input_notes.refused(folder, bad)
            raise InputError("No header that is known.", "Bring another.")
        assert await watch.told() == back
        assert await watch.is_silent()

    asyncio.run(look())


def test_costs_that_are_back_are_told_once_the_report_is_of_others(folder: Path) -> None:
    def put_costs(text: str) -> str:
        (folder / "costs.csv").write_text(text)
        return watched_inputs.digests(folder, ["costs.csv"])["costs.csv"]

    def report(costs: str) -> None:
        (folder / "report" / "made.json").write_text(json.dumps({"costs": costs}))

    (folder / "report").mkdir()
    report(put_costs("x"))

    async def look() -> None:
        watch = Watch(folder)
        assert await watch.is_silent()
        other = put_costs("y")
        assert (await watch.told() or {})["costs.csv"] == other
        back = put_costs("x")
        assert await watch.is_silent()
        report(other)
        assert (await watch.told() or {})["costs.csv"] == back
        assert await watch.is_silent()

    asyncio.run(look())


def test_files_and_costs_dropped_at_once_are_one_event_until_the_report_is_made(folder: Path) -> None:
    (folder / "report").mkdir()
    (folder / "report" / "made.json").write_text(json.dumps({"costs": ""}))

    async def look() -> None:
        watch = Watch(folder)
        (folder / "costs.csv").write_text("vehicle_id")
        both = put(folder, "other")
        assert await watch.told() == both | watched_inputs.digests(folder, ["costs.csv"])
        prepare(folder, both)
        assert await watch.is_silent()  # its forecast is still to come

    asyncio.run(look())


def test_costs_that_are_replaced_by_deleting_first_are_one_event(folder: Path) -> None:
    (folder / "report").mkdir()
    (folder / "costs.csv").write_text("before")
    made = watched_inputs.digests(folder, ["costs.csv"])["costs.csv"]
    (folder / "report" / "made.json").write_text(json.dumps({"costs": made}))

    async def look() -> None:
        watch = Watch(folder)
        (folder / "costs.csv").unlink()
        assert await watch.told(4 * PAUSE_S) is None
        (folder / "costs.csv").write_text("after")
        assert "costs.csv" in (await watch.told() or {})
        assert await watch.is_silent()
        (folder / "costs.csv").unlink()
        assert "costs.csv" not in (await watch.told() or {"costs.csv": ""})

    asyncio.run(look())
