"""The DAG retrain: when it looks, and what it starts, by a Prometheus and a Ray that answer as told."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import airflow_home
import pytest
from airflow_home import DAGS
from fake_jobs import FakeJobs, fake_jobs
from json_server import json_server

from turo.operate.retrain.reasons import Reason, from_text

WHY = '2 inputs of "KNN" have moved, and {{ 7 * 7 }} $(more).'
NOTED, EARLIER = "One was started lately.", "3 inputs of SVR have moved."
SUMMARY = "2 inputs of 'KNN' have moved"


@dataclass
class World:
    """Prometheus's alerts, Ray's jobs, and what `turo note-retraining` decides there.

    Attributes:
        noted: the run that the decision log tells of; None: there is none, a retraining is due.
    """

    ray: FakeJobs
    alerts: list[dict[str, Any]]
    noted: str | None = None

    def fire(self, alert: str) -> None:
        self.alerts.append(
            {
                "labels": {"alertname": alert, "severity": "warning"},
                "annotations": {"summary": SUMMARY},
                "state": "firing",
                "activeAt": "2026-11-23T05:17:04.123456789Z",
            }
        )

    def decide(self, name: str) -> None:
        if name in self.ray.jobs:
            words = shlex.split(self.ray.jobs[name]["entrypoint"])
            run = words[words.index("--run") + 1]
            told = {"start": True, "why": WHY, "run": run, "reason": WHY}
            if self.noted is not None:
                told = {"start": False, "why": NOTED, "run": self.noted, "reason": EARLIER}
            log = f"TURO_RESULT {json.dumps(told)}\n"
            self.ray.jobs[name] |= {"status": "SUCCEEDED", "log": log}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    from turo.cluster.jobs import Jobs

    alerts = list[dict[str, Any]]()
    with fake_jobs() as ray, json_server(lambda *_: (200, {"data": {"alerts": alerts}}, {})) as prometheus:
        monkeypatch.setenv("AUTO_RETRAIN", "1")
        monkeypatch.setenv("PROMETHEUS_URL", prometheus)
        monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", ray.url)
        monkeypatch.setattr(Jobs.__init__, "__kwdefaults__", {"deadline_s": 5.0, "poll_s": 0.01})
        found = World(ray, alerts)
        ray.asked = found.decide
        yield found


def started(end: str = "") -> dict[str, Any]:
    """Runs of prepare_data that wait to be worked on, and why; nobody does here.

    Args:
        end: the state they are given then; without, they are taken away.
    """
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(DagRun).filter_by(dag_id="prepare_data", state="queued").all()
        told = {each.run_id: each.conf for each in found}
        for each in found:
            if end:
                each.state = end
            else:
                session.delete(each)
    return told


def test_a_shift_starts_prepare_data_once_with_its_reason(world: World) -> None:
    world.fire("FeatureDrift")
    world.fire("ForecastWorseThanBaseline")
    run = airflow_home.run(DAGS, "retrain")
    assert run.state == "success"
    assert started() == {f"retrain__{run.run_id}": {"reason": WHY}}
    (job,) = world.ray.jobs.values()
    *_, command, _, noted, _, reasons = shlex.split(job["entrypoint"])
    assert (command, noted) == ("note-retraining", f"retrain__{run.run_id}")
    since = datetime(2026, 11, 23, 5, 17, 4, 123456, tzinfo=UTC)
    assert from_text(reasons) == [
        Reason(alert, SUMMARY, since) for alert in ("FeatureDrift", "ForecastWorseThanBaseline")
    ]


def test_what_was_answered_already_starts_nothing(world: World) -> None:
    world.fire("ForecastInputDrift")
    world.noted = ""
    run = airflow_home.run(DAGS, "retrain")
    assert run.states("due") == {"": "success"}
    assert run.states("start_prepare_data") == {"": "skipped"}
    assert started() == {}


def test_what_was_decided_and_never_started_is_started_under_its_own_id_and_once(world: World) -> None:
    world.fire("FeatureDrift")
    world.noted = "retrain__that_could_not_be_started"
    airflow_home.run(DAGS, "retrain")
    assert started(end="success") == {world.noted: {"reason": EARLIER}}
    run = airflow_home.run(DAGS, "retrain")
    assert run.states("start_prepare_data") == {"": "skipped"}
    assert started() == {}


@pytest.mark.parametrize("why", ["no reason", "turned off", "under way"])
def test_no_job_is_made_where_nothing_speaks_for_it_or_nothing_may_start(
    world: World, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fire("DiskFilling" if why == "no reason" else "FeatureDrift")
    if why == "turned off":
        monkeypatch.setenv("AUTO_RETRAIN", "0")
    if why == "under way":
        airflow_home.run(DAGS, "retrain")
        world.ray.jobs.clear()
    run = airflow_home.run(DAGS, "retrain")
    assert run.state == "success"
    assert run.states("decide") == {"": "skipped"}
    assert world.ray.jobs == {}
    assert len(started()) == (why == "under way")


SCHEDULE = """
import runpy, sys
schedule = runpy.run_path(sys.argv[1])["retrain"]().schedule
print(schedule and schedule.expression)
"""


@pytest.mark.parametrize(("chosen", "told"), [("", "None"), ("0", "None"), ("1", "17 * * * *")])
def test_it_looks_every_hour_only_where_it_is_turned_on(chosen: str, told: str) -> None:
    command = [sys.executable, "-c", SCHEDULE, str(DAGS / "retrain.py")]
    environment = os.environ | {"AUTO_RETRAIN": chosen}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == told
