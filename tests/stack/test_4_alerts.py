"""Alerts of the running stack reach somebody: a receiver in `.env`, one message for what broke together."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from compose_stack import Stack, figures, wait_for

pytestmark = pytest.mark.stack
RECEIVER = "alert-receiver"
PORT = 9999
# Prints every message as one line.
PROGRAM = f"""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode().replace(chr(10), " "), flush=True)
        self.send_response(200)
        self.end_headers()
ThreadingHTTPServer(("", {PORT}), Handler).serve_forever()
"""
PACE = {"group_wait: 30s": "group_wait: 5s", "group_interval: 5m": "group_interval: 5s"}


def alert_test(stack: Stack) -> subprocess.CompletedProcess[str]:
    """As README says: the operator is who knows where Alertmanager is."""
    return stack.compose("exec", "-T", "operator", "turo", "alert-test", check=False)


def test_without_a_receiver_it_is_silent_and_says_so(stack: Stack) -> None:
    done = alert_test(stack)
    assert done.returncode == 1
    assert "No receiver is set" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def messages(stack: Stack) -> Iterator[Any]:
    """What a webhook in `.env` got, oldest first; with alertmanager.yml changed to be quick."""
    image = f"turo/bootstrap:{stack.environment['TURO_TAG']}"
    network = ["--network", f"{stack.project}_edge", "--network-alias", RECEIVER]
    run = ["docker", "run", "--rm", "--detach", "--init", *network, image, "python", "-c", PROGRAM]
    file = stack.folder / "alertmanager" / "alertmanager.yml"
    before, environment = file.read_text(), dict(stack.environment)
    quick = before
    for slow, fast in PACE.items():
        assert slow in quick
        quick = quick.replace(slow, fast)
    container = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    try:
        file.write_text(quick)
        stack.environment["ALERT_WEBHOOK_URL"] = f"http://{RECEIVER}:{PORT}/alerts"
        stack.up()

        def read() -> list[dict[str, Any]]:
            told = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
            return [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]

        yield read
    finally:
        file.write_text(before)
        stack.environment.clear()
        stack.environment.update(environment)
        stack.up()
        subprocess.run(["docker", "rm", "--force", container], capture_output=True)


def test_a_test_message_arrives(stack: Stack, messages: Any) -> None:
    done = alert_test(stack)
    assert done.stdout.splitlines()[-1:] == ["webhook: the webhook took it"], done.stdout + done.stderr

    def both() -> list[str] | bool:
        of_it = [m["status"] for m in messages() if m["commonLabels"].get("alertname") == "AlertTest"]
        return of_it == ["firing", "resolved"] and of_it

    wait_for("the test message and its end", both, timeout=60)


def test_what_breaks_together_is_one_message_and_one_when_it_is_over(stack: Stack, messages: Any) -> None:
    url = stack.url("alertmanager", 9093)
    began = datetime.now(UTC)
    # As Prometheus would send them: two of one part, and a consequence of the first.
    alerts = [
        {"alertname": "RayNotDiscovered", "part": "ray", "drill": "yes"},
        {"alertname": "RayTaskKilledForMemory", "part": "ray", "drill": "yes"},
        {"alertname": "RayDown", "part": "ray", "drill": "yes"},
        {"alertname": "ServeApplicationDown", "part": "routes", "application": "drill", "drill": "yes"},
    ]

    def post(ends: datetime) -> None:
        body = [{"labels": labels, "endsAt": ends.isoformat()} for labels in alerts]
        httpx.post(f"{url}/api/v2/alerts", json=body, timeout=10).raise_for_status()

    def got(status: str) -> list[list[str]]:
        of_it = [m for m in messages() if m["status"] == status and m["commonLabels"].get("drill") == "yes"]
        return [sorted(alert["labels"]["alertname"] for alert in m["alerts"]) for m in of_it]

    together = ["RayDown", "RayNotDiscovered"]
    post(datetime.now(UTC) + timedelta(hours=1))
    wait_for("the message", lambda: got("firing") == [together], timeout=60)
    figures["from an alert to its message, of 5 s that alerts are collected"] = (
        f"{(datetime.now(UTC) - began).total_seconds():.0f} s"
    )
    post(datetime.now(UTC))
    # A cause that is over silences nobody: what followed from it and ended with it is named as over.
    over = [*together, "RayTaskKilledForMemory"]
    wait_for("the message that it is over", lambda: got("resolved") == [over], timeout=60)
    assert got("firing") == [together]  # no second one, and none of the consequences


def test_a_receiver_that_does_not_answer_is_told(stack: Stack, messages: Any) -> None:
    stack.environment["ALERT_WEBHOOK_URL"] = f"http://{RECEIVER}:{PORT + 1}/alerts"
    stack.up()
    done = alert_test(stack)
    assert done.returncode == 1
    assert "did not arrive by webhook" in done.stdout + done.stderr


def test_a_value_that_cannot_work_stops_the_start_and_is_named(stack: Stack, messages: Any) -> None:
    command = ["run", "--rm", "--no-deps", "-e", "ALERT_WEBHOOK_URL=pager:8080", "bootstrap"]
    done = stack.compose(*command, check=False)
    assert done.returncode == 1
    assert "REFUSED: ALERT_WEBHOOK_URL is no address" in done.stdout + done.stderr
