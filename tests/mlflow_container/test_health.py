"""The health check of the mlflow service says what is away, and what is refused while another one answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from turo import settings
from turo.mlflow_container import health
from turo.mlflow_container.progress import Progress


@dataclass
class Port:
    """MLflow and Serve on one port."""

    statuses: dict[str, int] = field(default_factory=lambda: {"/health": 200, "/A": 200, "/B": 200})
    number: int = 0


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Port]:
    state = Port()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state.statuses.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.number = server.server_port
    monkeypatch.setenv("TRACKING_PORT", str(state.number))
    monkeypatch.setenv("SERVE_URL", f"http://127.0.0.1:{state.number}")
    monkeypatch.setenv("MODEL_NAMES", "A,B")
    monkeypatch.setenv("STATUS_FILE", str(tmp_path / "status.json"))
    yield state
    server.shutdown()
    server.server_close()


def write(folder: Path, at: float | None = None, **routes: dict[str, Any]) -> None:
    status = {"written_at": time.time() if at is None else at, "problems": {}, "routes": routes}
    (folder / "status.json").write_text(json.dumps(status))


def route(version: str | None, **refused: str) -> dict[str, Any]:
    return {"version": version, "trying": None, "waiting": None, "refused": refused}


def test_all_is_well(port: Port, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, A=route("1"), B=route("1"))
    assert health.main() == 0
    assert capsys.readouterr() == ("", "")


def test_before_the_reconcilers_first_look_it_is_not_healthy(
    port: Port, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert health.main() == 1
    assert capsys.readouterr() == ("", "reconciler: it has not looked yet\n")


@pytest.mark.parametrize("failed", ["", "B"])
def test_the_patient_check_waits_for_the_reconcilers_first_look(
    port: Port,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failed: str,
) -> None:
    progress = Progress(settings.load())
    progress.begin("AB")
    progress.end("A")
    if failed:
        port.statuses["/B"] = 404
    progress.end("B", "too few trips" if failed else "")
    looked: list[float] = []

    def look(seconds: float) -> None:
        looked.append(seconds)
        write(tmp_path, A=route("1"), B=route(None if failed else "1"))

    monkeypatch.setattr("turo.mlflow_container.progress.time.sleep", look)
    monkeypatch.setattr("sys.argv", ["health", health.PATIENT])
    assert health.main() == bool(failed)
    told = capsys.readouterr().err
    assert ("too few trips" in told, "reconciler" in told, len(looked)) == (bool(failed), False, 1)


def test_a_route_that_is_away_is_named_with_what_the_reconciler_knows(
    port: Port, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port.statuses["/A"] = 503
    write(tmp_path, A=route(None, **{"2": "DeployError: it fails its smoke test"}), B=route("1"))
    assert health.main() == 1
    told = capsys.readouterr().err
    assert f"A: http://127.0.0.1:{port.number}/A answers 503" in told
    assert "it fails its smoke test" in told
    assert "B:" not in told


def test_a_refusal_that_stands_is_told_though_the_route_answers(
    port: Port, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, A=route("1", **{"2": "RegistryError: SHA-256"}), B=route("1"))
    assert health.main() == 0
    assert capsys.readouterr().out == (
        "A: version 2 is refused (RegistryError: SHA-256); version 1 answers\n"
    )


def test_a_reconciler_that_stands_still_is_not_healthy(
    port: Port, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(health, "time", SimpleNamespace(time=lambda: now))
    write(tmp_path, now - health.STALE_S - 60, A=route("1"), B=route("1"))
    assert health.main() == 1
    assert "reconciler: it wrote its status 360 s ago" in capsys.readouterr().err
