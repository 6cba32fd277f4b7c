"""What drills count with: requests whose gaps are seen, and trainings that are met at work."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import REPOSITORY, Stack, wait_for
from drill import World
from fake_jobs import fake_jobs
from json_server import json_server
from request_loop import RequestLoop
from stack_runs import AT_WORK, Pipeline, line_less

BODIES: dict[str, Any] = {"A": {}, "B": {}}
RUN = "manual__1"


@contextmanager
def routes(held: threading.Event) -> Iterator[str]:
    """Two routes; B answers only while the event is set."""

    def answer(method: str, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        if path == "/B":
            held.wait()
        return 200, {}, {"X-Model-Version": "1"}

    with json_server(answer) as url:
        yield url


def test_a_route_that_hangs_is_seen_though_the_other_goes_on() -> None:
    held = threading.Event()
    held.set()
    with routes(held) as url, RequestLoop(url, BODIES, rate=200, clients=2) as loop:
        wait_for("every client served", lambda: loop.all_served_since(0.0), 10, 0.01)
        held.clear()
        began = time.monotonic()
        wait_for("a gap", lambda: loop.longest_gap(began) > 0.3, 10, 0.01)
        count = loop.answers()
        wait_for("answers of the other route", lambda: loop.answers() > count + 5, 10, 0.01)
        assert not loop.all_served_since(began + 0.3)
        held.set()
        again = time.monotonic()
        wait_for("every client served again", lambda: loop.all_served_since(again), 10, 0.01)
        assert loop.longest_gap(began) > 0.3
        assert loop.longest_s > 0.3
        assert set(loop.so_far()) == {"200"}


def test_more_clients_ask_no_more_often_than_the_rate() -> None:
    held = threading.Event()
    held.set()
    with routes(held) as url, RequestLoop(url, BODIES, rate=40, clients=4) as loop:
        began = time.monotonic()
        wait_for("answers", lambda: loop.answers() >= 40, 20, 0.01)
        assert time.monotonic() - began > 0.7  # the first eight come at once within a fifth of a second


def test_where_no_loss_may_be_felt_other_answers_and_gaps_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:9"
    loop = RequestLoop(address, {})
    met = World(Stack(REPOSITORY, "no-such-project"), AirflowApi(address, "", ""), address, loop)
    loop.statuses.update({"200": 9, "503": 2})
    assert met.not_fine() == ["routes answered {'503': 2}: []"]
    met.let_pass.update({"200": 3, "503": 2})
    assert met.not_fine(since=met.began) == []
    monkeypatch.setattr(loop, "longest_gap", lambda since: 46.0)
    assert met.not_fine(since=met.began) == ["a route gave no good answer for 46 s, not 45"]
    assert "routes {'200': 9, '503': 2}" in met.all_routes()


def test_jobs_that_ray_has_at_work_are_those_of_the_run() -> None:
    def of(run: str, index: int) -> dict[str, str]:
        return {
            "dag_id": "prepare_data",
            "run_id": run,
            "task_id": "improve.train",
            "map_index": str(index),
        }

    with fake_jobs() as ray:
        ray.add("first", "SUCCEEDED", metadata=of(RUN, 0))
        ray.add("second", "RUNNING", metadata=of(RUN, 1))
        ray.add("other", "RUNNING", metadata=of("manual__2", 0))
        ray.add("strange", "RUNNING", metadata=None)
        done = subprocess.run(
            [sys.executable, "-c", AT_WORK, RUN],
            env={"RAY_DASHBOARD_URL": ray.url, "PYTHONPATH": str(REPOSITORY / "src"), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["improve.train", 1]]


class Script(AirflowApi):
    """Airflow of which each look shows the next line of a script: state of the run, of its trainings."""

    def __init__(self, lines: list[tuple[str, str, str]]) -> None:
        super().__init__("http://127.0.0.1:9", "", "")
        self.lines, self.triggered = lines, 0

    def get(self, path: str, **params: Any) -> Any:
        if path == "/dags/prepare_data/dagRuns":
            return {"dag_runs": []}
        return {"state": self.lines[0][0]}

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        _, *trains = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        return [
            {"task_id": "improve.train", "state": state, "map_index": index, "rendered_map_index": name}
            for index, (state, name) in enumerate(zip(trains, ("XGBoost", "KNN"), strict=True))
        ]

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        self.triggered += 1
        return f"manual__{self.triggered}"


@pytest.fixture
def pipeline_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[tuple[str, str, str]]], Pipeline]:
    """A pipeline on a script, in which Ray has the job of the second model alone at work."""
    (tmp_path / "datas").mkdir()
    (tmp_path / "datas" / "reservations.csv").write_bytes(b"id,state\n1,completed,a\n2,completed,b\n")
    monkeypatch.setattr("stack_runs.versions", lambda stack, name: 1)
    monkeypatch.setattr("stack_runs.ledger", lambda stack, name: [])
    monkeypatch.setattr("stack_runs.jobs_at_work", lambda stack, run: [["improve.train", 1]])
    stack = Stack(tmp_path, "no-such-project")
    return lambda lines: Pipeline(stack, Script(lines), ("XGBoost", "KNN"), 0, 6)


def test_a_training_is_met_when_its_task_runs_and_its_job_is_at_work(
    pipeline_of: Callable[[list[tuple[str, str, str]]], Pipeline],
) -> None:
    made = pipeline_of([("running", "running", "queued"), ("running", "running", "running")])
    assert made.under_way() == "train of KNN"
    assert made.under_way() == "train of KNN"
    assert made.started == ["manual__1"]


def test_where_no_training_is_left_the_next_run_is_begun(
    pipeline_of: Callable[[list[tuple[str, str, str]]], Pipeline],
) -> None:
    made = pipeline_of([("success", "success", "success")])
    with pytest.raises(AssertionError, match="No training of manual__2 was met"):
        made.under_way()
    assert made.started == ["manual__1", "manual__2"]


def test_data_come_back_though_the_block_failed(tmp_path: Path) -> None:
    (tmp_path / "datas").mkdir()
    file = tmp_path / "datas" / "reservations.csv"
    file.write_bytes(b"a\nb\nc\n")
    with pytest.raises(AssertionError, match="inside"), line_less(Stack(tmp_path, "none"), 1):
        assert file.read_bytes() == b"a\nc\n", "inside the block"
        raise AssertionError("inside")
    assert file.read_bytes() == b"a\nb\nc\n"
