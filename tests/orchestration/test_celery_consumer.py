"""A real Celery worker, configured as the container's is, whose queue is away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from celery.concurrency.asynpool import AsynPool
from compose_file import compose_config
from kombu.asynchronous import Hub
from local_ray import free_port
from serving_stack import until

from turo.orchestration.celery_consumer import Consumer

APPLICATION = """
import json, os
from celery import Celery
app = Celery(broker=os.environ["BROKER"])
app.conf.update(json.loads(os.environ["EXTRA"]), broker_connection_retry_on_startup=True)
"""


def test_a_queue_that_is_away_is_asked_for_again_every_two_seconds_and_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    environment = compose_config("docker-compose.yml")["services"]["airflow_worker"]["environment"]
    told = {
        "BROKER": f"redis://127.0.0.1:{free_port()}/0",
        "EXTRA": environment["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"],
    }
    command = [sys.executable, "-m", "celery", "-A", "application", "worker", "--pool", "solo"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | told,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as worker:
        try:
            assert worker.stderr is not None
            tries = (found for line in worker.stderr if (found := re.search(r"Trying again in .*", line)))
            assert [found[0] for found in islice(tries, 3)] == [
                f"Trying again in 2.00 seconds... ({number}/None)" for number in (1, 2, 3)
            ]
        finally:
            worker.kill()


def wait_for_file(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.05)


def test_a_process_that_works_when_the_queue_is_lost_is_busy_until_it_is_done(tmp_path: Path) -> None:
    pool, hub = AsynPool(2, threads=False), Hub()
    try:
        pool.register_with_event_loop(hub)
        hub.call_repeatedly(0.05, lambda: None)  # so that a turn ends though nothing happens
        loop = hub.create_loop()

        def turns_until(what: str, true: Any) -> None:
            until(what, lambda: [next(loop), true()][1], 30)

        job = pool.apply_async(wait_for_file, (str(tmp_path / "go"),))
        turns_until("the job has begun", lambda: job._accepted)
        consumer: Any = Consumer.__new__(Consumer)
        consumer.controller, consumer.task_buckets = None, {}
        consumer.pool = SimpleNamespace(_pool=pool, flush=pool.flush)
        consumer.on_close()
        assert pool._busy_workers == {job._write_to.inqW_fd}
        ended = list[Any]()
        for number in range(4):  # none of them goes to that process
            pool.apply_async(int, (number,), callback=ended.append)
        turns_until("the others are done", lambda: len(ended) == 4)
        assert pool._busy_workers == {job._write_to.inqW_fd}
        (tmp_path / "go").touch()
        turns_until("it is done", job.ready)
        assert pool._busy_workers == set()
    finally:
        pool.terminate()
        pool.join()
