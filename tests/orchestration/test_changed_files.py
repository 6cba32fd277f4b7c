"""The trigger that notices other input files: what it tells where table, report and refusal follow later."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watched_folder import NAMES, Watch, folder, prepare, watch

from turo import last_runs
from turo.errors import InputError
from turo.prepare import input_notes, watched_inputs
from turo.table.names import MANIFEST

__all__ = ["folder", "watch"]


def put(folder: Path, text: str) -> dict[str, str]:
    (folder / NAMES[0]).write_text(text)
    return watched_inputs.digests(folder, NAMES)


def test_files_that_are_back_are_told_once_the_table_is_of_others(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    async def look() -> None:
        seen = watch()
        other = put(folder, "other")
        assert await seen.told() == other
        back = put(folder, NAMES[0])
        assert await seen.is_silent()
        prepare(folder, other)
        assert await seen.told() == back
        assert await seen.is_silent()
        prepare(folder, back)
        assert await seen.is_silent()
        assert put(folder, "other") == await seen.told()

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
    folder: Path, watch: Callable[[], Watch], preparing: subprocess.Popen[str], ending: str
) -> None:
    first = watched_inputs.digests(folder, NAMES)

    async def look() -> None:
        seen = watch()
        assert await seen.is_silent()
        dropped = put(folder, "dropped meanwhile")
        assert await seen.is_silent()
        if ending == "made":
            prepare(folder, first)
        elif ending == "failed":
            preparing.communicate("fail\n")
        else:
            preparing.kill()
        assert await seen.told() == dropped
        assert await seen.is_silent()
        if ending != "made":
            assert put(folder, NAMES[0]) == first
            assert await seen.is_silent()  # of these no table can be made

    asyncio.run(look())


def test_files_that_are_back_are_told_when_a_check_refuses_the_others(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    async def look() -> None:
        seen = watch()
        bad = put(folder, "bad")
        assert await seen.told() == bad
        back = put(folder, NAMES[0])
        assert await seen.is_silent()
        with pytest.raises(InputError), last_runs.noted(folder, "check"):
            input_notes.refused(folder, bad)
            raise InputError("No header that is known.", "Bring another.")
        assert await seen.told() == back
        assert await seen.is_silent()

    asyncio.run(look())


def test_costs_that_are_back_are_told_once_the_report_is_of_others(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    def put_costs(text: str) -> str:
        (folder / "costs.csv").write_text(text)
        return watched_inputs.digests(folder, ["costs.csv"])["costs.csv"]

    def report(costs: str) -> None:
        (folder / "report" / "made.json").write_text(json.dumps({"costs": costs}))

    (folder / "report").mkdir()
    report(put_costs("x"))

    async def look() -> None:
        seen = watch()
        assert await seen.is_silent()
        other = put_costs("y")
        assert (await seen.told())["costs.csv"] == other
        back = put_costs("x")
        assert await seen.is_silent()
        report(other)
        assert (await seen.told())["costs.csv"] == back
        assert await seen.is_silent()

    asyncio.run(look())


def test_files_and_costs_dropped_at_once_are_one_event_until_the_report_is_made(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    (folder / "report").mkdir()
    (folder / "report" / "made.json").write_text(json.dumps({"costs": ""}))

    async def look() -> None:
        seen = watch()
        (folder / "costs.csv").write_text("vehicle_id")
        both = put(folder, "other")
        assert await seen.told() == both | watched_inputs.digests(folder, ["costs.csv"])
        prepare(folder, both)
        assert await seen.is_silent()  # its forecast is still to come

    asyncio.run(look())


def test_costs_that_are_replaced_by_deleting_first_are_one_event(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    (folder / "report").mkdir()
    (folder / "costs.csv").write_text("before")
    made = watched_inputs.digests(folder, ["costs.csv"])["costs.csv"]
    (folder / "report" / "made.json").write_text(json.dumps({"costs": made}))

    async def look() -> None:
        seen = watch()
        (folder / "costs.csv").unlink()
        assert await seen.is_silent(looks=4)
        (folder / "costs.csv").write_text("after")
        assert "costs.csv" in (await seen.told())
        assert await seen.is_silent()
        (folder / "costs.csv").unlink()
        assert "costs.csv" not in (await seen.told() or {"costs.csv": ""})

    asyncio.run(look())
