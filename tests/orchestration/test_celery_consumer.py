"""A real Celery worker, configured as the container's is, whose queue is away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

from compose_file import compose_config
from local_ray import free_port

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
