"""Health check of an Airflow container: `python -m turo.orchestration.role_health ROLE`, exit code 0 or 1.

Airflow's own `airflow jobs check` and Celery's `inspect ping` import all of Airflow: six seconds of processor
time a call. These look at the same facts in a fraction of a second, so that they can be asked often.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime

BEAT_LIMIT_S = 30.0  # Airflow's own threshold for its jobs
ANSWER_LIMIT_S = 5.0
JOB_TYPES = {"triggerer": "TriggererJob", "dag-processor": "DagProcessorJob"}
ROLES = ("api-server", "scheduler", "worker", *JOB_TYPES)
LAST_BEAT = (
    "SELECT latest_heartbeat FROM job WHERE job_type = :type AND hostname = :host AND state = 'running'"
    " ORDER BY latest_heartbeat DESC LIMIT 1"
)


def option(name: str) -> str:
    """A sensitive Airflow option as Airflow reads it: the variable, else the output of its `_CMD`."""
    value = os.environ.get(name)
    if value is None:
        command = shlex.split(os.environ[f"{name}_CMD"])
        value = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return value


def api_server(url: str = "http://127.0.0.1:8080/api/v2/monitor/health") -> str:
    """Answers, and reaches its database (the status code is 200 either way). Empty text = healthy."""
    with urllib.request.urlopen(url, timeout=ANSWER_LIMIT_S) as answer:  # noqa: S310 - our own constant
        status = json.load(answer)["metadatabase"]["status"]
    return "" if status == "healthy" else f"metadata database: {status}"


def scheduler(url: str = "http://127.0.0.1:8974/health") -> str:
    """Its own health server answers 200 while its heart beats, else 503."""
    with urllib.request.urlopen(url, timeout=ANSWER_LIMIT_S):  # noqa: S310 - our own constant
        return ""


def job(role: str) -> str:
    """The heart of this container's job beat in the last 30 seconds."""
    from sqlalchemy import create_engine, text

    engine = create_engine(option("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"))
    with engine.connect() as connection:
        beat = connection.scalar(text(LAST_BEAT), {"type": JOB_TYPES[role], "host": socket.gethostname()})
    engine.dispose()
    if beat is None:
        return f"no running {JOB_TYPES[role]} on {socket.gethostname()}"
    at = datetime.fromisoformat(beat) if isinstance(beat, str) else beat
    age = (datetime.now(UTC) - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()
    return "" if age < BEAT_LIMIT_S else f"last heartbeat {age:.0f} s ago"


def worker() -> str:
    """It answers over the broker that it consumes from its queues: more than that its process exists."""
    from celery import Celery

    name = f"celery@{socket.gethostname()}"
    app = Celery(broker=option("AIRFLOW__CELERY__BROKER_URL"))
    queues = (app.control.inspect([name], timeout=ANSWER_LIMIT_S, limit=1).active_queues() or {}).get(name)
    return "" if queues else f"{name} consumes from no queue"


def check(role: str) -> str:
    """What is wrong with this container's role; empty if nothing."""
    checks = {"api-server": api_server, "scheduler": scheduler, "worker": worker}
    try:
        return checks[role]() if role in checks else job(role)
    except Exception as error:  # whatever it is, it is the answer
        return f"{type(error).__name__}: {error}"


def main(arguments: list[str]) -> int:
    """Print one line and give the exit code."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        sys.stderr.write(f"usage: python -m turo.orchestration.role_health {{{','.join(ROLES)}}}\n")
        return 2
    problem = check(arguments[0])
    sys.stdout.write(f"{arguments[0]}: {problem or 'healthy'}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
