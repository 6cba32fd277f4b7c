"""Health of each Airflow role, against small real things: HTTP servers, a job table, a Celery worker."""

from __future__ import annotations

import socket
import sqlite3
import threading
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from json_server import json_server

from turo.orchestration import role_health
from turo.patience import Patience

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Still(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return NOW.astimezone(tz)


def server(status: int, body: dict[str, Any]) -> AbstractContextManager[str]:
    return json_server(lambda *_: (status, body, {}))


def test_the_api_server_is_judged_by_the_body_because_the_status_is_always_200() -> None:
    with server(200, {"metadatabase": {"status": "healthy"}}) as url:
        assert role_health.api_server(url) == ""
    with server(200, {"metadatabase": {"status": "unhealthy"}}) as url:
        assert role_health.api_server(url) == "metadata database: unhealthy"


def test_the_scheduler_is_judged_by_the_status() -> None:
    with server(200, {}) as url:
        assert role_health.scheduler(url) == ""
    with server(503, {}) as url, pytest.raises(OSError, match="503"):
        role_health.scheduler(url)


@pytest.fixture
def job_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    database = tmp_path / "airflow.db"
    secret = tmp_path / "conn"
    secret.write_text(f"sqlite:///{database}")
    monkeypatch.delenv(CONNECTION, raising=False)
    monkeypatch.setenv(f"{CONNECTION}_CMD", f"cat '{secret}'")
    monkeypatch.setattr(role_health, "datetime", Still)
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE job (job_type, hostname, state, latest_heartbeat)")
    connection.commit()
    return connection


def beat(table: sqlite3.Connection, kind: str, host: str, seconds_ago: float, state: str = "running") -> None:
    at = NOW - timedelta(seconds=seconds_ago)
    table.execute("INSERT INTO job VALUES (?, ?, ?, ?)", (kind, host, state, str(at.replace(tzinfo=None))))
    table.commit()


def test_a_job_is_healthy_while_its_own_heart_beats(job_table: sqlite3.Connection) -> None:
    here = socket.gethostname()
    beat(job_table, "TriggererJob", "another-host", 1)
    beat(job_table, "DagProcessorJob", here, 1)
    assert role_health.check("triggerer") == f"no running TriggererJob on {here}"
    beat(job_table, "TriggererJob", here, 1, state="failed")
    beat(job_table, "TriggererJob", here, 90)
    assert role_health.check("triggerer") == "last heartbeat 90 s ago"
    beat(job_table, "TriggererJob", here, 2)
    assert role_health.check("triggerer") == ""
    assert role_health.check("dag-processor") == ""


# How its children are to log.
NOTED_BY_A_WORKER = (
    "CELERY_LOG_FILE",
    "CELERY_LOG_LEVEL",
    "_MP_FORK_LOGFILE_",
    "_MP_FORK_LOGFORMAT_",
    "_MP_FORK_LOGLEVEL_",
)


def leave_logging_alone(**_: object) -> None:
    """As a receiver, keeps a Celery worker from taking over the logging of the whole test process."""


def test_a_worker_is_healthy_while_it_consumes_and_not_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from celery import Celery
    from celery.signals import setup_logging

    setup_logging.connect(leave_logging_alone)
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "memory://")
    monkeypatch.setattr(role_health, "ANSWER_LIMIT_S", 1.0)
    assert role_health.check("worker") == f"celery@{socket.gethostname()} consumes from no queue"
    for name in NOTED_BY_A_WORKER:
        monkeypatch.setenv(name, "")
    app = Celery(broker="memory://")
    worker = app.Worker(hostname=f"celery@{socket.gethostname()}", pool="solo", loglevel="ERROR")
    running = threading.Thread(target=worker.start, daemon=True)
    running.start()
    try:
        assert Patience(0.1, 60).poll(lambda: role_health.check("worker"), done=lambda wrong: not wrong) == ""
    finally:
        worker.stop()
        running.join(10)


def test_the_command_prints_one_line_and_gives_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, "sqlite:////nowhere/at/all.db")
    assert role_health.main(["triggerer"]) == 1
    assert capsys.readouterr().out.startswith("triggerer: OperationalError")
    assert role_health.main(["cook"]) == 2
    assert "api-server" in capsys.readouterr().err
