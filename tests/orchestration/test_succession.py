"""Tries of a task that follow one another: who runs the job, who takes its result, who may stop it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import airflow_home  # noqa: F401 - before Airflow
import pytest
from fake_jobs import FakeJobs, fake_jobs

from turo.cluster import jobs
from turo.cluster.jobs import Jobs
from turo.errors import ServiceError
from turo.orchestration.ray_job import RayJobOperator

JOB = "prepare_data.monday.train.0.g4"
PLACE = {"dag_id": "prepare_data", "run_id": "monday", "task_id": "train", "map_index": "0"}


@dataclass
class Try:
    """One try of the task, and what Airflow says of the task meanwhile."""

    state: str | Exception | None = "running"
    try_number: int = 1
    max_tries: int = 4
    dag_id: str = "prepare_data"
    run_id: str = "monday"
    task_id: str = "train"
    map_index: int = 0

    def get_task_states(self, **asked: Any) -> dict[str, dict[str, str | None]]:
        assert asked == {
            "dag_id": "prepare_data",
            "map_index": 0,
            "task_ids": ["train"],
            "run_ids": ["monday"],
        }
        if isinstance(self.state, Exception):
            raise self.state
        return {"monday": {"train_0": self.state}}


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeJobs]:
    with fake_jobs() as cluster:
        monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", cluster.url)
        monkeypatch.setenv("SERVICE_DEADLINE_S", "5")
        monkeypatch.setattr(Jobs.__init__, "__kwdefaults__", {"deadline_s": 5.0, "poll_s": 0.01})
        yield cluster


def execute(ti: Try) -> Any:
    """What Airflow does with a try, SIGTERM included."""
    from airflow.sdk.bases.operator import ExecutorSafeguard

    operator = RayJobOperator(task_id="train", command=["turo", "train"])
    before = signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    token = ExecutorSafeguard.tracker.set(operator)
    try:
        return operator.execute(cast("Any", {"ti": ti}))
    finally:
        ExecutorSafeguard.tracker.reset(token)
        signal.signal(signal.SIGTERM, before)


def told_to_end(ray: FakeJobs) -> None:
    """The job runs, and the try that follows it gets SIGTERM."""

    def terminate(name: str) -> None:
        if ray.submitted:
            ray.asked = lambda _: None
            os.kill(os.getpid(), signal.SIGTERM)

    ray.asked = terminate


def test_a_try_takes_the_result_of_a_job_that_ended_while_nobody_looked(ray: FakeJobs) -> None:
    ray.add(JOB, "SUCCEEDED", 'TURO_RESULT {"run_id": "r"}\n')
    assert execute(Try(try_number=4)) == {"run_id": "r"}
    assert ray.submitted == []


def test_a_result_whose_log_cannot_be_read_yet_is_read_again(
    ray: FakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "READ_PAUSE_S", 0.01)
    ray.add(JOB, "SUCCEEDED", "TURO_RESULT 7\n")
    ray.unreadable = 3
    assert execute(Try()) == 7
    ray.unreadable = 1000
    with pytest.raises(ServiceError, match="ended well, but its log, which holds its result, cannot be read"):
        execute(Try())
    ray.unreadable = 0
    assert execute(Try(try_number=2)) == 7
    assert ray.submitted == []


def test_a_job_that_fails_is_tried_once_more_however_many_tries_the_task_has(ray: FakeJobs) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    ray.add(JOB, "FAILED", "first\n", driver_exit_code=1)
    ray.asked = lambda name: name in ray.submitted and ray.jobs[name].update(status="FAILED", log="killed\n")
    with pytest.raises(AirflowFailException, match=rf"(?s){JOB}-2 failed.*killed"):
        execute(Try(try_number=2))
    with pytest.raises(AirflowFailException, match=rf"(?s){JOB}-2 failed.*killed"):  # the worker died telling
        execute(Try(try_number=3))
    assert ray.submitted == [f"{JOB}-2"]


def test_a_first_failure_leaves_the_task_its_next_try(ray: FakeJobs) -> None:
    ray.asked = lambda name: name in ray.submitted and ray.jobs[name].update(status="FAILED", log="killed\n")
    with pytest.raises(ServiceError, match=rf"(?s){JOB} failed.*killed"):
        execute(Try())


@pytest.mark.parametrize("state", ["up_for_retry", "scheduled", "queued", "running", OSError("API away")])
def test_a_try_that_airflow_gave_up_leaves_the_job_to_the_one_that_follows(
    ray: FakeJobs, state: str | Exception
) -> None:
    """Whether that one has begun or not: after a pause of the worker both wake at once."""
    told_to_end(ray)
    with pytest.raises(ServiceError, match=f"Try 1 ends here, Ray job {JOB} goes on"):
        execute(Try(state))
    assert ray.jobs[JOB]["status"] == "RUNNING"
    ray.jobs[JOB] |= {"status": "SUCCEEDED", "log": "TURO_RESULT 7\n"}
    assert execute(Try(try_number=2)) == 7
    assert ray.submitted == [JOB]


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "restarting", None])
def test_a_task_that_somebody_cancelled_or_cleared_stops_its_job(ray: FakeJobs, state: str | None) -> None:
    told_to_end(ray)
    with pytest.raises(ServiceError, match="was stopped"):
        execute(Try(state))
    assert ray.jobs[JOB]["status"] == "STOPPED"


@pytest.mark.parametrize("state", ["running", OSError("API away")])
def test_the_last_try_stops_its_job_since_nobody_follows(ray: FakeJobs, state: str | Exception) -> None:
    told_to_end(ray)
    with pytest.raises(Exception, match="was stopped"):
        execute(Try(state, try_number=5))
    assert ray.jobs[JOB]["status"] == "STOPPED"


def test_a_try_that_is_out_of_time_stops_its_job(ray: FakeJobs) -> None:
    from airflow.sdk.exceptions import AirflowTaskTimeout

    operator = RayJobOperator(task_id="train", command=["turo", "train"])

    def time_is_up(*_: object) -> None:
        raise AirflowTaskTimeout

    before = signal.signal(signal.SIGTERM, time_is_up)
    told_to_end(ray)
    try:
        with pytest.raises(AirflowTaskTimeout):
            cast("Any", operator.execute).__wrapped__(operator, {"ti": Try()})
    finally:
        signal.signal(signal.SIGTERM, before)
    operator.on_kill()
    assert ray.jobs[JOB]["status"] == "STOPPED"


def test_a_cleared_task_ends_what_its_lost_worker_left_running(ray: FakeJobs) -> None:
    ray.add(JOB, "RUNNING", metadata=PLACE)
    ray.add("prepare_data.monday.train.1.g4", "RUNNING", metadata=PLACE | {"map_index": "1"})
    ray.asked = lambda name: (
        name in ray.submitted and ray.jobs[name].update(status="SUCCEEDED", log="TURO_RESULT 8\n")
    )
    assert execute(Try(try_number=2, max_tries=5)) == 8
    assert ray.submitted == ["prepare_data.monday.train.0.g5"]
    assert ray.jobs[JOB]["status"] == "STOPPED"
    assert ray.jobs["prepare_data.monday.train.1.g4"]["status"] == "RUNNING"
