"""The operator's server over real connections: who may ask for a backup, what becomes of it, metrics."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from small_deployment import Deployment

from turo.operate.backup.archive_name import archive_name, archives
from turo.operate.backup.make_backup import make_backup
from turo.operate.server import http
from turo.operate.server.backup_jobs import BackupJobs
from turo.operate.server.certificates import Certificates
from turo.operate.server.findings import Findings
from turo.patience import Patience

TOKEN = {"Authorization": "Bearer s3cret"}
FOUND = [{"id": "disk-space", "severity": "error"}, {"id": "clock", "severity": "warning"}]


class Served:
    """A running server; `gate` holds backups back until it is set."""

    def __init__(self, deployment: Deployment, ask: Callable[[], Any], token: str) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.findings = Findings(ask, now=lambda: datetime(2026, 11, 28, tzinfo=UTC))

        def make() -> Any:
            self.gate.wait(30)
            return make_backup(deployment.settings)

        none = Certificates(deployment.settings)
        operator = http.Operator(deployment.settings, BackupJobs(make), self.findings, none, token)
        self.server = http.Server(("127.0.0.1", 0), http.handler(operator.answer))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.server.server_port}", trust_env=False)

    def ended(self, job_id: str) -> dict[str, Any]:
        """The backup of that id, once it is over."""
        return Patience(0.02, within_s=30).poll(
            lambda: dict(self.client.get(f"/backup/{job_id}", headers=TOKEN).json()),
            done=lambda job: job["state"] != "running",
        )

    def metrics(self) -> dict[str, float]:
        """Series with their labels → value."""
        lines = self.client.get("/metrics").text.splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line[0] != "#"}


@pytest.fixture
def served(deployment: Deployment) -> Iterator[Served]:
    made = Served(deployment, lambda: FOUND, "s3cret")
    yield made
    made.gate.set()
    made.client.close()
    made.server.shutdown()
    made.server.server_close()


def test_a_backup_is_made_on_demand_and_followed(served: Served, deployment: Deployment) -> None:
    asked = served.client.post("/backup", headers=TOKEN)
    assert asked.status_code == 202
    job = served.ended(asked.json()["id"])
    assert job["state"] == "done"
    assert job["archive"] == deployment.archive().name
    assert job["size"] == deployment.archive().stat().st_size


def test_who_asks_while_one_runs_is_told_of_that_one(served: Served, deployment: Deployment) -> None:
    served.gate.clear()
    first, second = (served.client.post("/backup", headers=TOKEN).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert second["state"] == "running"
    assert served.metrics()["turo_backup_running"] == 1
    served.gate.set()
    served.ended(first["id"])
    assert len(deployment.archives()) == 1
    assert served.client.post("/backup", headers=TOKEN).json()["id"] != first["id"]


def test_a_failed_one_says_why_and_what_to_do(served: Served, deployment: Deployment) -> None:
    deployment.server.write(problems={"pg_dump airflow": "no route to host"})
    job = served.ended(served.client.post("/backup", headers=TOKEN).json()["id"])
    assert (job["state"], job["kind"]) == ("failed", "ServiceError")
    assert "no route to host" in job["problem"]
    assert "docker compose ps postgres" in job["remedy"]
    assert served.metrics()["turo_backup_last_failed"] == 1


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}])
def test_without_the_token_nothing_is_made_or_told(
    served: Served, deployment: Deployment, header: dict[str, str]
) -> None:
    for answer in (
        served.client.post("/backup", headers=header),
        served.client.get("/backup/x", headers=header),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert deployment.archives() == []


def test_where_there_is_no_token_nobody_is_let_in(deployment: Deployment) -> None:
    made = Served(deployment, lambda: [], "")
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}):
        assert made.client.post("/backup", headers=header).status_code == 401
    made.client.close()
    made.server.shutdown()
    made.server.server_close()


def test_an_id_of_before_a_restart_is_said_to_be_unknown(served: Served) -> None:
    answer = served.client.get("/backup/0123", headers=TOKEN)
    assert answer.status_code == 404
    assert "Ask for another" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/metrics/x"), ("POST", "/metrics"), ("GET", "/../etc/passwd")]
)
def test_what_is_not_there_is_404_in_json(served: Served, method: str, path: str) -> None:
    answer = served.client.request(method, path)
    assert answer.status_code == 404
    assert "/metrics" in answer.json()["error"]


@pytest.mark.parametrize("header", [{"Content-Length": "99999999"}, {"Content-Length": "x"}])
def test_a_large_body_is_refused_unread(served: Served, header: dict[str, str]) -> None:
    host, port = served.client.base_url.host, served.client.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=5) as connection:
        lines = [f"{name}: {value}" for name, value in header.items()]
        connection.sendall("\r\n".join(["POST /backup HTTP/1.1", "Host: x", *lines, "", ""]).encode())
        assert b" 413 " in connection.recv(100)


def test_who_leaves_before_the_answer_is_no_matter_for_the_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = served.client.base_url.host, served.client.base_url.port
    for _ in range(5):
        with socket.create_connection((host, port or 0), timeout=5) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # resets
            connection.sendall(b"GET /findings HTTP/1.0\r\n\r\n")
    assert served.client.get("/health").json() == {"status": "ok"}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_the_age_of_the_newest_backup_is_measured(served: Served, deployment: Deployment) -> None:
    before = served.metrics()
    assert "turo_backup_last_success_timestamp_seconds" not in before
    assert (before["turo_backups"], before["turo_backup_expected"]) == (0, 1)
    served.ended(served.client.post("/backup", headers=TOKEN).json()["id"])
    after = served.metrics()
    (made,) = archives(deployment.backups)
    assert after["turo_backup_last_success_timestamp_seconds"] == made.made_at.timestamp()
    assert after["turo_backup_size_bytes"] == made.path.stat().st_size
    assert (after["turo_backups"], after["turo_backup_last_failed"], after["turo_backup_notes"]) == (1, 0, 0)


def test_what_the_newest_archive_lacks_is_counted(served: Served, deployment: Deployment) -> None:
    deployment.settings = deployment.settings.model_copy(update={"artifact_root": "s3://bucket/models"})
    link = deployment.root / "datas/prices.csv"
    link.symlink_to("/mnt/prices.csv")
    job = served.ended(served.client.post("/backup", headers=TOKEN).json()["id"])
    assert len(job["notes"]) == 2
    assert served.metrics()["turo_backup_notes"] == 1  # what lies elsewhere is meant to
    newer = archive_name(datetime.now(UTC) + timedelta(days=1), "0.1.0")
    (deployment.backups / newer).write_text("of which nothing is known")
    assert served.metrics()["turo_backup_notes"] == 0
    (deployment.backups / newer).unlink()
    link.unlink()
    deployment.archive().unlink()
    served.ended(served.client.post("/backup", headers=TOKEN).json()["id"])
    assert served.metrics()["turo_backup_notes"] == 0
    assert not (deployment.backups / "notes.json").exists()


def test_ends_of_versions_are_measured_where_there_is_a_date(served: Served, deployment: Deployment) -> None:
    text = '[redis]\nline = "8.2"\nends = 2030-09-01\n[ray]\nline = "2.60"\nends = "none"\n'
    (deployment.root / "project/versions.toml").write_text(text)
    ends = {name: value for name, value in served.metrics().items() if "end_of_life" in name}
    day = datetime.combine(date(2030, 9, 1), datetime.min.time(), UTC)
    assert ends == {'turo_end_of_life_timestamp_seconds{component="redis",line="8.2"}': day.timestamp()}


def test_findings_are_kept_and_counted(served: Served) -> None:
    assert served.client.get("/findings").json()["problem"] == "Not examined yet."
    assert not [name for name in served.metrics() if "doctor" in name]
    served.findings.refresh()
    told = served.client.get("/findings").json()
    assert told == {"at": "2026-11-28T00:00:00+00:00", "findings": FOUND, "problem": ""}
    assert served.metrics()['turo_doctor_findings{severity="error"}'] == 1
    assert served.metrics()['turo_doctor_findings{severity="note"}'] == 0


@pytest.mark.parametrize("answer", [ValueError("no JSON"), {"other": 1}, 7, [7]])
def test_a_doctor_who_cannot_be_asked_has_no_findings(deployment: Deployment, answer: Any) -> None:
    told: list[Any] = [FOUND, answer]

    def ask() -> Any:
        now = told.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

    findings = Findings(ask)
    findings.refresh()
    assert findings.newest()["findings"] == FOUND
    findings.refresh()
    assert findings.newest()["findings"] is None
    assert "turo doctor --json" in findings.newest()["problem"]


def test_the_token_is_the_file_s(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    with_file = deployment.settings.model_copy(update={"operator_token_path": tmp_path / "token"})
    assert http.token(with_file) == "s3cret"
    assert http.token(deployment.settings) == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_is_wrong_is_looked_at_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    told, pauses = [FOUND, []], list[float]()

    def slept(seconds: float) -> None:
        pauses.append(seconds)
        if not told:
            raise SystemExit  # of its thread, which would go on for ever

    monkeypatch.setattr("turo.operate.server.findings.time", SimpleNamespace(sleep=slept))
    findings = Findings(lambda: {"findings": told.pop(0)})
    findings.keep_fresh(period_s=3600, soon_s=0.01)
    for thread in threading.enumerate():
        if thread.name == "doctor":
            thread.join()
    assert pauses == [0.01, 3600]
    assert findings.newest()["findings"] == []
