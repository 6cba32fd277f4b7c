"""The operator in DAG runs that Airflow schedules, on a real Ray."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import airflow_home
import pytest
from airflow_home import TEST_DAGS
from local_ray import LocalRay

from turo.cluster.job_ids import job_id
from turo.cluster.jobs import Jobs

pytestmark = pytest.mark.ray

DAG = "one_ray_job"


@pytest.fixture
def jobs(ray_variables: LocalRay) -> Jobs:
    return Jobs(ray_variables.url, ray_variables.token, poll_s=0.3)


def the_id(at: datetime) -> str:
    """The job id of the run of that moment."""
    return job_id(DAG, f"manual__{at.isoformat()}", "work", 0, "g0")


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_a_task_that_starts_again_attaches_to_the_job_it_left_behind(jobs: Jobs, tmp_path: Path) -> None:
    """As after the death of a worker: the job goes on without it, the next try takes it over."""
    at, gate = datetime.now(UTC), tmp_path / "gate"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.1)\n"
    code += "print('TURO_RESULT {\"rows\": 3}')"
    jobs.submit(the_id(at), ["python", "-u", "-c", code], num_cpus=0.1)
    assert soon(lambda: jobs.status(the_id(at)) == "RUNNING")
    threading.Timer(2.0, gate.touch).start()
    run = airflow_home.run(TEST_DAGS, DAG, {"code": "print('a second run')"}, at)
    assert run.state == "success"
    assert run.xcom("work") == {"rows": 3}
    assert jobs.attempts(the_id(at)) == {the_id(at): "SUCCEEDED"}


def test_cancelling_the_task_stops_the_job(jobs: Jobs, tmp_path: Path) -> None:
    """Airflow cancels a task with SIGTERM to its process; here that is this one."""
    at, note = datetime.now(UTC), tmp_path / "note"
    code = f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    before = signal.getsignal(signal.SIGTERM)

    def cancel() -> None:
        if soon(note.exists):
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=cancel, daemon=True).start()
    try:
        run = airflow_home.run(TEST_DAGS, DAG, {"code": code}, at)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert run.state == "failed"
    assert jobs.status(the_id(at)) == "STOPPED"
    assert soon(lambda: not Path("/proc", note.read_text()).exists())


def test_the_words_of_a_command_and_its_environment_are_data_not_shell(jobs: Jobs, tmp_path: Path) -> None:
    at, oops = datetime.now(UTC), tmp_path / "oops"
    code = f"import os, sys; print('TURO_RESULT [\"' + os.environ['WHO'] + '\"]') # ' $(touch {oops}) `id`"
    run = airflow_home.run(TEST_DAGS, DAG, {"code": code}, at)
    assert run.xcom("work") == [DAG]
    assert not oops.exists()
