"""The DAG new_files and its trigger: real files, real events."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import airflow_home
import pytest
from airflow_home import DAGS

from turo.prepare import watched_inputs
from turo.table.names import MANIFEST

NAMES = ["reservations.csv", "vehicles.csv"]
PAUSE_S = 0.02


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    inputs = {name: {"sha256": sha} for name, sha in watched_inputs.digests(tmp_path, NAMES).items()}
    (tmp_path / MANIFEST).write_text(json.dumps({"inputs": inputs}))
    return tmp_path


async def next_event(running: Any, within_s: float) -> dict[str, str] | None:
    """The files of the next event; None where there is none within that time."""
    waiting = asyncio.ensure_future(anext(running))
    done, _ = await asyncio.wait([waiting], timeout=within_s)
    if done:
        files: dict[str, str] = waiting.result().payload["files"]
        return files
    waiting.cancel()
    return None


def trigger(folder: Path) -> Any:
    from turo.orchestration.changed_files import ChangedFiles

    return ChangedFiles(str(folder), NAMES, PAUSE_S)


def test_two_files_dropped_at_once_are_one_event_and_never_told_again(folder: Path) -> None:
    async def look() -> None:
        running = trigger(folder).run()
        for name in NAMES:
            (folder / name).write_text("new " + name)
        files = await next_event(running, 5)
        assert files == watched_inputs.digests(folder, NAMES)
        os.utime(folder / NAMES[0], (1, 1))
        assert await next_event(running, 15 * PAUSE_S) is None

    asyncio.run(look())


def test_what_was_prepared_is_left_alone_and_each_new_content_is_told(folder: Path) -> None:
    async def look() -> None:
        assert await next_event(trigger(folder).run(), 15 * PAUSE_S) is None
        running = trigger(folder).run()
        for text in ("first", "replaced while it is checked"):
            (folder / NAMES[0]).write_text(text)
            assert await next_event(running, 5) == watched_inputs.digests(folder, NAMES)

    asyncio.run(look())


def test_what_failed_its_check_is_not_told_by_a_new_triggerer(folder: Path) -> None:
    (folder / NAMES[0]).write_text("damaged")
    watched_inputs.remember(folder, watched_inputs.digests(folder, NAMES))

    async def look() -> None:
        assert await next_event(trigger(folder).run(), 15 * PAUSE_S) is None

    asyncio.run(look())


def test_the_trigger_is_made_again_from_what_it_tells(folder: Path) -> None:
    from airflow.sdk.module_loading import import_string

    path, kwargs = trigger(folder).serialize()
    assert import_string(path)(**kwargs).serialize() == (path, kwargs)


def test_a_failing_check_starts_nothing() -> None:
    dag = airflow_home.dag(DAGS, "new_files")
    start = dag.get_task("start_prepare_data")
    assert start.upstream_task_ids == {"anything_new"}
    assert dag.get_task("anything_new").upstream_task_ids == {"check"}
    assert dag.get_task("check").upstream_task_ids == {"wait_for_prepare_data"}
    assert start.trigger_rule == "all_success"
    assert start.trigger_dag_id == "prepare_data"
    assert dag.get_task("check").command == ["turo", "check", "--noted"]


SCHEDULE = """
import runpy, sys
schedule = runpy.run_path(sys.argv[1])["new_files"]().schedule
print(schedule and [watcher.name for asset in schedule for watcher in asset.watchers])
"""


@pytest.mark.parametrize(("watch", "told"), [("", "['changed_files']"), ("0", "None")])
def test_it_is_on_by_default_and_can_be_turned_off(watch: str, told: str) -> None:
    command = [sys.executable, "-c", SCHEDULE, str(DAGS / "new_files.py")]
    environment = os.environ | {"WATCH_FILES": watch}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == told
