"""The operator's HTTP server: few routes, two of them behind a token, nothing that waits."""

from __future__ import annotations

import hmac
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turo.operate.backup.make_backup import make_backup
from turo.operate.server.backup_jobs import BackupJobs
from turo.operate.server.certificates import Certificates
from turo.operate.server.findings import Findings, ask_doctor
from turo.operate.server.metrics import metrics

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)

Answer = tuple[HTTPStatus, str, str]  # status, type of the body, body
SLOWEST_S = 10.0  # a client that sends nothing for so long is let go
LARGEST = 65536  # bytes of a body; none is read
TEXT, JSON = "text/plain; version=0.0.4; charset=utf-8", "application/json"


class Operator:
    """What is answered to whom.

    Args:
        token: what backups are asked for with; empty: they cannot be.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: BackupJobs,
        findings: Findings,
        certificates: Certificates,
        token: str,
    ) -> None:
        self._settings = settings
        self._certificates = certificates
        self._jobs = jobs
        self._findings = findings
        self._token = token

    def answer(self, method: str, path: str, authorization: str) -> Answer:
        """Status, type and body."""
        first, *rest = path.strip("/").split("/")
        if first == "backup":
            return self._let_in(authorization) or self._backup(method, rest)
        routes = {"health": self._health, "metrics": self._metrics, "findings": self._newest}
        known = method == "GET" and not rest and first in routes
        return routes[first]() if known else _nothing(method, path)

    def _health(self) -> Answer:
        return _json(HTTPStatus.OK, {"status": "ok"})

    def _metrics(self) -> Answer:
        findings = self._findings.newest()["findings"]
        running, lives = self._jobs.running() is not None, self._certificates.newest()
        return HTTPStatus.OK, TEXT, metrics(self._settings, running, findings, lives)

    def _newest(self) -> Answer:
        return _json(HTTPStatus.OK, self._findings.newest())

    def _backup(self, method: str, rest: list[str]) -> Answer:
        if (method, rest) == ("POST", []):
            return _json(HTTPStatus.ACCEPTED, asdict(self._jobs.start()))
        if method != "GET" or len(rest) != 1:
            return _nothing(method, "/".join(["/backup", *rest]))
        if job := self._jobs.get(rest[0]):
            return _json(HTTPStatus.OK, asdict(job))
        told = "This backup is not known: the operator was started anew meanwhile. Ask for another."
        return _json(HTTPStatus.NOT_FOUND, {"error": told})

    def _let_in(self, authorization: str) -> Answer | None:
        wanted = f"Bearer {self._token}".encode()
        if self._token and hmac.compare_digest(wanted, authorization.encode()):
            return None
        told = (
            "Backups are asked for with a bearer token: the file operator_token of Airflow's worker has it."
        )
        return _json(HTTPStatus.UNAUTHORIZED, {"error": told})


def _nothing(method: str, path: str) -> Answer:
    told = "GET /health, /metrics, /findings, /backup/ID and POST /backup are all there is."
    return _json(HTTPStatus.NOT_FOUND, {"error": f"No {method} {path} here: {told}"})


def _json(status: HTTPStatus, told: Any) -> Answer:
    return status, JSON, json.dumps(told)


def handler(answer: Callable[[str, str, str], Answer]) -> type[BaseHTTPRequestHandler]:
    """A handler that answers by `answer` (method, path, Authorization)."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SLOWEST_S
        wbufsize = -1  # head and body leave together
        server_version, sys_version = "turo-operator", ""

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def _respond(self) -> None:
            length = self.headers.get("Content-Length") or "0"
            if not length.isdecimal() or int(length) > LARGEST or self.headers.get("Transfer-Encoding"):
                answered = _json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "Send no body."})
            else:
                self.rfile.read(int(length))
                try:
                    path = urlsplit(self.path).path
                    answered = answer(self.command, path, self.headers.get("Authorization") or "")
                except Exception:
                    logger.exception("%s %s", self.command, self.path)
                    told = "The operator failed over this; its log says why."
                    answered = _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": told})
            status, kind, body = answered
            self.send_response(status)
            for name, value in (("Content-Type", kind), ("Content-Length", str(len(body.encode()))),
                                ("Cache-Control", "no-store"), ("Connection", "close")):  # fmt: skip
                self.send_header(name, value)
            if status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", "Bearer")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - the library's name
            """Prometheus asks every 15 s: only at DEBUG."""
            logger.debug(format, *words)

    return Handler


class Server(ThreadingHTTPServer):
    """A thread for each connection; who leaves before the answer is no matter for the log."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Called while the error is being handled."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def token(settings: Settings) -> str:
    """What backups are asked for with; empty where no file has it."""
    path = settings.operator_token_path
    return path.read_text().strip() if path and path.exists() else ""


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer until the process is stopped."""
    findings = Findings(lambda: ask_doctor(settings.project_dir))
    certificates = Certificates(settings)
    jobs = BackupJobs(lambda: make_backup(settings))
    operator = Operator(settings, jobs, findings, certificates, token(settings))
    findings.keep_fresh()
    certificates.keep_fresh()
    with Server((host, port), handler(operator.answer)) as server:
        logger.info("Answering at %s:%d", host, port)
        server.serve_forever()
