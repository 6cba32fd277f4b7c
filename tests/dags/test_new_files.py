"""The DAG new_files and its trigger: real files, real events."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import airflow_home
import pytest
from airflow_home import DAGS
from fake_jobs import FakeJobs, fake_jobs
from watched_folder import NAMES, Watch, folder, trigger, watch

from turo import last_runs
from turo.errors import InputError
from turo.prepare import input_notes, watched_inputs

__all__ = ["folder", "watch"]


def test_two_files_dropped_at_once_are_one_event_and_never_told_again(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    async def look() -> None:
        seen = watch()
        for name in NAMES:
            (folder / name).write_text("new " + name)
        files = await seen.told()
        assert files == watched_inputs.digests(folder, NAMES)
        os.utime(folder / NAMES[0], (1, 1))
        assert await seen.is_silent()

    asyncio.run(look())


def test_what_was_prepared_is_left_alone_and_each_new_content_is_told(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    async def look() -> None:
        assert await watch().is_silent()
        seen = watch()
        for text in ("first", "replaced while it is checked"):
            (folder / NAMES[0]).write_text(text)
            assert await seen.told() == watched_inputs.digests(folder, NAMES)

    asyncio.run(look())


def test_what_failed_its_check_is_not_told_by_a_new_triggerer(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    (folder / NAMES[0]).write_text("damaged")
    with pytest.raises(InputError), last_runs.noted(folder, "check"):
        input_notes.refused(folder, watched_inputs.digests(folder, NAMES))
        raise InputError("No header that is known.", "Bring another.")

    async def look() -> None:
        assert await watch().is_silent()

    asyncio.run(look())


def test_a_file_that_is_away_for_a_moment_is_waited_for(folder: Path, watch: Callable[[], Watch]) -> None:
    async def look() -> None:
        seen = watch()
        (folder / NAMES[0]).write_text("new")
        (folder / "blocks.csv").unlink()
        assert await seen.is_silent(looks=3)
        (folder / "blocks.csv").write_text("new blocks")
        files = await seen.told()
        assert files == watched_inputs.digests(folder, NAMES)
        assert set(files) == set(NAMES)

    asyncio.run(look())


def test_an_optional_file_that_stays_away_is_told_once(folder: Path, watch: Callable[[], Watch]) -> None:
    async def look() -> None:
        seen = watch()
        (folder / "blocks.csv").unlink()
        assert await seen.told() == watched_inputs.digests(folder, NAMES[:2])
        assert await seen.is_silent()

    asyncio.run(look())


def test_a_needed_file_that_stays_away_starts_nothing(folder: Path, watch: Callable[[], Watch]) -> None:
    async def look() -> None:
        for name in NAMES[:2]:
            (folder / name).unlink()
            assert await watch().is_silent()

    asyncio.run(look())


def test_other_costs_are_told_by_what_the_report_was_made_with(
    folder: Path, watch: Callable[[], Watch]
) -> None:
    (folder / "report").mkdir()
    (folder / "report" / "made.json").write_text(json.dumps({"costs": ""}))

    async def look() -> None:
        seen = watch()
        (folder / "costs.csv").write_text("vehicle_id")
        files = await seen.told()
        assert files == watched_inputs.digests(folder, [*NAMES, "costs.csv"])
        assert await seen.is_silent()

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
    again = dag.get_task("start_forecast_fleet")
    assert again.upstream_task_ids == {"still_other_costs"}
    assert again.trigger_dag_id == "forecast_fleet"
    assert dag.get_task("other_costs").upstream_task_ids == {"check"}
    assert dag.get_task("check").upstream_task_ids == {"wait_for_prepare_data"}
    assert start.trigger_rule == "all_success"
    assert start.trigger_dag_id == "prepare_data"
    assert dag.get_task("check").command == ["turo", "check", "--noted"]


@pytest.mark.parametrize(
    ("news", "costs", "table", "report"),
    [(True, True, True, False), (True, False, True, False), (False, True, False, True)],
)
def test_new_input_makes_a_table_and_other_costs_alone_a_report(
    news: bool, costs: bool, table: bool, report: bool
) -> None:
    dag, found = airflow_home.dag(DAGS, "new_files"), {"news": news, "costs": costs}
    expectations = (("anything_new", table), ("other_costs", report), ("still_other_costs", report))
    for name, expected in expectations:
        assert dag.get_task(name).python_callable(found) is expected


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeJobs]:
    from turo.cluster.jobs import Jobs

    with fake_jobs() as cluster:
        monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", cluster.url)
        monkeypatch.setattr(Jobs.__init__, "__kwdefaults__", {"deadline_s": 5.0, "poll_s": 0.01})
        yield cluster


@pytest.mark.parametrize("later", [False, True])
def test_other_costs_make_a_report_unless_the_forecast_that_was_awaited_read_them(
    ray: FakeJobs, later: bool
) -> None:
    def end(name: str) -> None:
        if name in ray.jobs:
            costs = later if "check_again" in name else True
            log = f"TURO_RESULT {json.dumps({'news': False, 'costs': costs})}\n"
            ray.jobs[name] |= {"status": "SUCCEEDED", "log": log}

    ray.asked = end
    run = airflow_home.run(DAGS, "new_files")
    assert run.states("wait_for_forecast_fleet") == {"": "success"}
    assert run.states("check_again") == {"": "success"}
    assert run.states("start_prepare_data") == {"": "skipped"}
    assert run.states("start_forecast_fleet") == {"": "success" if later else "skipped"}
    assert taken_away("forecast_fleet") == ([f"new_files__{run.run_id}.4"] if later else [])


def taken_away(dag_id: str) -> list[str]:
    """Runs that wait to be worked on, which nobody does here: others would wait for them."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(DagRun).filter_by(dag_id=dag_id, state="queued").all()
        names = [each.run_id for each in found]
        for each in found:
            session.delete(each)
    return names


def test_a_try_starts_the_run_of_the_one_before_and_a_cleared_task_another() -> None:
    @dataclass
    class Try:
        max_tries: int

    for name in ("start_prepare_data", "start_forecast_fleet"):
        start = airflow_home.dag(DAGS, "new_files").get_task(name)
        first, retry, cleared = (
            start.render_template(start.trigger_run_id, {"run_id": "monday", "ti": Try(tries)})
            for tries in (4, 4, 9)
        )
        assert first == retry
        assert cleared != first


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
