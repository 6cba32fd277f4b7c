"""What was missed while the machine was off is made up for; what was due before the first start is not."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow_home import DAGS

from turo.orchestration import set_up

# How long it is between the runs of each DAG.
PERIODS = {"forecast_fleet": timedelta(weeks=1), "nightly_backup": timedelta(days=1)}


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What bootstrap writes once, in the place where the stack has it."""
    path = tmp_path / "secret_key"
    monkeypatch.setattr(set_up, "FIRST_SECRET", path)
    return path


def next_run(name: str, last: datetime | None = None) -> datetime:
    """When Airflow is to run it next, that ran by its schedule at `last`; what is over is run at once."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import DagRunInfo
    from airflow.utils.timezone import coerce_datetime

    bag = DagBag(DAGS / f"{name}.py", collect_dags=True)
    assert not bag.import_errors
    dag = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[name]))
    at = coerce_datetime(last)
    ran = DagRunInfo.interval(at, at) if at else None
    told = dag.next_dagrun_info(last_automated_run_info=ran)
    assert told is not None
    return datetime.fromtimestamp(told.run_after.timestamp(), UTC)


@pytest.mark.parametrize("name", PERIODS)
def test_a_run_that_was_missed_before_any_other_is_made_up_for(name: str, secret: Path) -> None:
    """A machine that is off at that hour each time would never run it."""
    now = datetime.now(UTC)
    secret.touch()
    since = (now - 3 * PERIODS[name]).timestamp()
    os.utime(secret, (since, since))
    assert timedelta(0) <= now - next_run(name) < PERIODS[name] + timedelta(hours=1)  # a day of 25 hours


@pytest.mark.parametrize("name", PERIODS)
def test_a_first_start_waits_for_the_next_time(name: str, secret: Path) -> None:
    secret.touch()
    assert next_run(name) > datetime.now(UTC)


@pytest.mark.parametrize("name", PERIODS)
def test_a_run_that_was_missed_after_others_is_made_up_for_once(name: str, secret: Path) -> None:
    secret.touch()
    now = datetime.now(UTC)
    since = (now - 9 * PERIODS[name]).timestamp()
    os.utime(secret, (since, since))
    missed = next_run(name, now - 4 * PERIODS[name])
    assert timedelta(0) <= now - missed < PERIODS[name] + timedelta(hours=1)
    assert next_run(name, missed) > now


@pytest.mark.parametrize("name", PERIODS)
def test_outside_of_the_stack_dags_load_and_wait(name: str, secret: Path) -> None:
    assert not secret.exists()
    assert next_run(name) > datetime.now(UTC)


def test_it_is_told_to_the_second_with_its_zone(secret: Path) -> None:
    secret.touch()
    os.utime(secret, (1_800_000_000.7, 1_800_000_000.7))
    assert set_up.set_up_at() == datetime(2027, 1, 15, 8, tzinfo=UTC)
