"""A server that comes up late is waited for; one that never does is named."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from turo import settings
from turo.errors import ServiceError
from turo.registry.mlflow_ready import wait_for_mlflow


class Health(BaseHTTPRequestHandler):
    """Answers 503 twice, then 200."""

    asked = 0

    def do_GET(self):
        """Count, then answer."""
        Health.asked += 1
        self.send_response(200 if Health.asked > 2 else 503)
        self.end_headers()

    def log_message(self, *_):
        """Keep quiet."""


def test_a_server_that_is_starting_is_waited_for(monkeypatch):
    monkeypatch.setattr("turo.registry.mlflow_ready.PERIOD_S", 0.01)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody's: it must not be asked
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        wait_for_mlflow(settings.load(mlflow_tracking_uri=f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
    assert Health.asked == 3


def test_one_that_never_comes_is_an_error_that_names_it():
    with pytest.raises(ServiceError, match=r"MLflow at http://127\.0\.0\.1:9 does not answer .*tried 0 s"):
        wait_for_mlflow(settings.load(mlflow_tracking_uri="http://127.0.0.1:9", service_deadline_s=0))


def test_a_database_needs_no_waiting():
    wait_for_mlflow(settings.load(mlflow_tracking_uri="sqlite:///nowhere.db", service_deadline_s=0))
