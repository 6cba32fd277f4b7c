"""Callers of many kinds at a real Ray: slow ones, notebooks with a handle, clients of MLflow's own server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from request_loop import RequestLoop
from serving_stack import PATIENTLY, Stack, until
from slow_sockets import slow_sockets

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]
NOTEBOOK = """
import json, ray, sys
from ray import serve
from turo.serving.http.problems import Problem

ray.init(sys.argv[1], log_to_driver=False)
handle = serve.get_app_handle("A")
rows = json.loads(sys.argv[2])
try:
    handle.predict.remote([{**rows[0], "nothing": 1}]).result(timeout_s=60)
except Problem as problem:
    refused = [problem.status, problem.detail]
print("told", json.dumps([handle.predict.remote(rows).result(timeout_s=60), refused]))
"""


def test_slow_callers_wait_alone(running: Stack) -> None:
    """600 with one byte each, and 50 with more than the proxy holds back: nobody else notices."""
    url = httpx.URL(running.url)
    address = (str(url.host), int(url.port or 80))
    with (
        slow_sockets(address, "/A", 600) as short,
        slow_sockets(address, "/A", 50, b"[" * 100_000) as long,
        RequestLoop(running.url, {"A": running.example("A")}, rate=50) as loop,
    ):
        refused = [one.recv(65536) for one in (short[0], short[-1], long[0], long[-1])]
        count = sum(loop.statuses.values())
        until("requests flow", lambda: sum(loop.statuses.values()) > count + 40)
    assert set(loop.statuses) == {"200"}, loop.statuses
    for answer in refused:
        assert answer.startswith(b"HTTP/1.1 408"), answer
        assert b"application/problem+json" in answer


def test_every_route_answers_a_notebook_over_a_handle(running: Stack) -> None:
    rows = running.example("A")["inputs"] * 3
    wanted = httpx.post(f"{running.url}/A", json={"inputs": rows}, **PATIENTLY).json()
    refused = httpx.post(f"{running.url}/A", json={"inputs": [{**rows[0], "nothing": 1}]}, **PATIENTLY).json()
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, running.ray, json.dumps(rows)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("told ")]
    assert told, done.stdout + done.stderr
    assert json.loads(told[0].removeprefix("told ")) == [wanted, [refused["status"], refused["detail"]]]


def test_every_route_has_the_paths_of_mlflows_server(running: Stack) -> None:
    body: dict[str, Any] = running.example("A")
    wanted = httpx.post(f"{running.url}/A", json=body, **PATIENTLY)
    for path in ("/A/invocations", "/A/invocations/"):
        answer = httpx.post(f"{running.url}{path}", json=body, **PATIENTLY)
        assert (answer.status_code, answer.json()) == (200, wanted.json())
    for path in ("/A/ping", "/A/health", "/ping", "/health"):
        url = f"{running.url}{path}"
        assert (httpx.get(url, **PATIENTLY).content, httpx.head(url, **PATIENTLY).status_code) == (b"\n", 200)
    misspelt = httpx.post(f"{running.url}/a", json=body, **PATIENTLY)
    assert (misspelt.status_code, "names are case-sensitive: A." in misspelt.json()["detail"]) == (404, True)
    links = httpx.get(f"{running.url}/A", headers={"X-Forwarded-Proto": "https"}, **PATIENTLY).json()["links"]
    assert links["predict"] == f"{running.url}/A".replace("http:", "https:")
