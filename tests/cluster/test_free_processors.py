"""A job for which Ray has no processor left, by its job interface."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fake_jobs import fake_jobs
from local_ray import start

from turo.cluster import free_processors
from turo.cluster import jobs as jobs_module
from turo.cluster.jobs import Jobs


def actor(of: str, cpus: float | None, state: str = "ALIVE") -> dict[str, Any]:
    return {"class_name": of, "state": state, "required_resources": {"CPU": cpus} if cpus else {}}


def test_a_job_that_finds_no_room_reserves_nothing_and_says_who_holds_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with fake_jobs() as ray:
        ray.processors = (0.8, 1)
        replicas = [actor("ServeReplica:KNN:Model", 0.4), actor("ServeReplica:SVR:Model", 0.2)]
        others = [actor("ServeController", None), actor("ServeReplica:KNN:Model", 0.5, "DEAD")]
        ray.actors = [*replicas, actor("ServeReplica:SVR:Model", 0.2), *others]
        Jobs(ray.url).submit("a", "true", num_cpus=0.5)
        assert ray.jobs["a"]["entrypoint_num_cpus"] == 0
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "has 0.20 of 1 processors free (held: KNN 0.4, SVR 0.4), job a would reserve 0.5" in said
    assert "RAY_NUM_CPUS" in said and "SERVE_MIN_REPLICAS" in said


@pytest.mark.parametrize("processors", [(0.5, 1), None], ids=["room", "Ray does not say"])
def test_a_job_that_finds_room_reserves_it(processors: tuple[float, float] | None) -> None:
    with fake_jobs() as ray:
        ray.processors = processors
        Jobs(ray.url).submit("a", "true", num_cpus=0.5)
        assert ray.jobs["a"]["entrypoint_num_cpus"] == 0.5


def test_a_job_that_waits_all_the_same_says_within_half_a_minute_what_is_lacking(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert jobs_module.PENDING_NOTE_S < 30
    monkeypatch.setattr(jobs_module, "PENDING_NOTE_S", 0)
    with fake_jobs() as ray:
        ray.processors = (2, 2)
        ray.add("a", "PENDING", message="waiting for resources")
        asked: list[str] = []

        def then_it_runs(name: str) -> None:
            asked.append(name)
            if len(asked) > 2:
                ray.jobs[name]["status"] = "SUCCEEDED"

        ray.asked = then_it_runs
        with caplog.at_level(logging.WARNING):
            Jobs(ray.url, poll_s=0.01).follow("a")
    assert "waiting for resources (0.00 of 2 processors are free; raise RAY_NUM_CPUS" in caplog.text


@pytest.mark.ray
def test_a_job_runs_on_a_real_ray_whose_only_processor_is_taken(request: pytest.FixtureRequest) -> None:
    import time

    ray = start(request.config)
    jobs = Jobs(ray.url, ray.token, poll_s=0.3)

    def wait_for(free: tuple[float, float]) -> None:  # Ray counts every five seconds
        deadline = time.monotonic() + 60
        while (found := free_processors.free(jobs._http)) != free:
            assert time.monotonic() < deadline, f"free, of all: {found}, not {free}"
            time.sleep(0.5)

    wait_for((1, 1))  # the job of the test before may still be counted
    jobs.submit("holder", "sleep 600", num_cpus=1)
    try:
        wait_for((0, 1))
        assert jobs.run("beside", "echo 'TURO_RESULT 1'", num_cpus=0.5).result == 1
        assert jobs.status("holder") == "RUNNING"
    finally:
        jobs.stop("holder")
