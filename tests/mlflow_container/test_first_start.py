"""What is said of models that are being trained, or could not be, and how long routes are waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_jobs import fake_jobs
from gate_runs import fleet
from training_table import frame, write

from turo import settings
from turo.cluster.jobs import Outcome
from turo.errors import LastingError
from turo.mlflow_container import first_start, progress
from turo.mlflow_container.progress import Progress, lasting_problems, read
from turo.registry.client import client
from turo.training.unfinished_runs import RAY_JOB

CONFIGURED = {"A": "/projects/a", "B": "/projects/b"}


class Clock:
    """Time passes only while somebody waits; things happen at their time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: dict[float, Callable[[], object]] = {}

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at in [at for at in self.due if at <= self.now]:
            self.due.pop(at)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


@pytest.fixture
def status(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setenv("STATUS_FILE", str(tmp_path / "status.json"))
    return Progress(settings.load())


def test_a_model_that_cannot_be_trained_is_told_and_the_others_go_on(tracking, status, monkeypatch):
    done: list[str] = []

    class Jobs:
        def run(self, job_id: str, command: str, **_: Any) -> None:
            if command.startswith("turo train A "):
                raise LastingError("A (a) failed: no such column: price")
            done.append(command)

    write(tracking / "datas", frame(), fleet=fleet(1))
    monkeypatch.setattr(first_start, "connect", lambda _: Jobs())
    first_start.fill(CONFIGURED, settings.load())
    (command,) = done
    train, promote = command.split(" && ")
    key = train.split()[-1]
    assert train == f"turo train B --path /projects/b --run-key {key}"
    assert promote == f"turo promote B --run-key {key}"
    assert read(settings.load()) == (set(), {"A": "A (a) failed: no such column: price"})


def test_routes_are_waited_for_while_their_models_are_trained(clock: Clock, status: Progress) -> None:
    wrong = ["A: answers 404", "B: answers 404"]
    status.begin("AB")
    clock.due = {
        400: lambda: status.end("A"),
        500: lambda: status.end("B"),
        520: wrong.clear,  # deployed
    }
    assert lasting_problems(lambda: list(wrong), status.settings) == []
    assert clock.now == 520


def test_a_first_start_with_one_hopeless_model_ends_with_the_last_of_the_others(
    clock: Clock, status: Progress
) -> None:
    wrong = ["A: answers 404", "B: answers 404"]
    status.begin("AB")
    clock.due = {
        20: lambda: status.end("A", "no such column: price"),
        90: lambda: status.end("B"),
        96: wrong.pop,
    }
    told = lasting_problems(lambda: list(wrong), status.settings)
    assert told == ["A: answers 404 It could not be trained: no such column: price"]
    assert clock.now == 96


def test_what_may_pass_is_waited_for_and_what_does_not_is_told(clock: Clock, status: Progress) -> None:
    status.begin("AB")
    status.end("A")
    status.end("B", "too few trips")
    wrong = ["A: does not answer", "B: does not answer"]
    clock.due = {66: wrong.clear}  # Ray's head was killed and is back
    assert lasting_problems(lambda: list(wrong), status.settings) == []
    wrong += ["A: does not answer"]
    began = clock.now
    assert lasting_problems(lambda: list(wrong), status.settings) == ["A: does not answer"]
    assert 150 < clock.now - began < 155


@pytest.mark.parametrize("begins", [True, False])
def test_a_first_start_that_never_ends_is_told_in_the_end(
    clock: Clock, status: Progress, begins: bool
) -> None:
    if begins:
        status.begin("A")
    assert lasting_problems(lambda: ["A: answers 404"], status.settings) == ["A: answers 404"]
    assert 900 < clock.now < 1060


def test_what_a_lost_training_left_running_is_closed_at_the_start(tracking, monkeypatch):
    with fake_jobs() as ray:
        ray.add("train.2", "RUNNING")
        monkeypatch.setenv("RAY_DASHBOARD_URL", ray.url)
        mlflow_client = client()
        experiment = mlflow_client.create_experiment("A")
        lost, alive = (
            mlflow_client.create_run(experiment, tags={RAY_JOB: job}).info.run_id
            for job in ("train.1", "train.2")
        )
        write(tracking / "datas", frame(), fleet=fleet(1))
        first_start.fill({}, settings.load())
        assert mlflow_client.get_run(lost).info.status == "RUNNING"  # of no model that is configured
        monkeypatch.setattr(first_start, "unfit", lambda *_: {})
        first_start.fill(CONFIGURED, settings.load())
        assert [mlflow_client.get_run(run_id).info.status for run_id in (lost, alive)] == [
            "KILLED",
            "RUNNING",
        ]


def test_a_damaged_table_is_prepared_by_a_job_of_its_own(tracking):
    """The job of the first start is done: whoever attached to it would get the table's old digest."""
    asked: list[str] = []

    class Jobs:
        def run(self, job_id: str, command: list[str]) -> Outcome:
            asked.append(job_id)
            return Outcome(job_id, {"digest": "new"})

    folder = tracking / "datas"
    jobs: Any = Jobs()
    assert first_start.table_digest(settings.load(data_dir=str(folder)), jobs) == "new"
    write(folder, frame(), fleet=fleet(1))
    with (folder / "datas.parquet").open("ab") as table:
        table.write(b"more")
    for _ in range(2):  # a container that is restarted meanwhile attaches
        assert first_start.table_digest(settings.load(data_dir=str(folder)), jobs) == "new"
    absent, damaged, again = asked
    assert absent != damaged == again
