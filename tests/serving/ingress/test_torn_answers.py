"""An answer is passed on whole or not at all: a replica may end between its head and its body."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from asgi_server import asgi_server
from haproxy_written import ray_writes
from local_ray import free_port
from ray.serve._private.haproxy import BackendConfig, ServerConfig, get_haproxy_binary
from serving_stack import until

from turo.serving.ingress.haproxy import amended
from turo.serving.ingress.haproxy_limits import limited

BUFFER = 16384  # bytes, HAProxy's own
HALF, LONG = BUFFER // 2, 10 * BUFFER
BODIES = {
    "/A/predict": b'{"predictions":[41.5]}',
    "/A/half": b"x" * HALF,
    "/A/more": b"x" * (HALF + 1),
    "/A/long": b"x" * LONG,
    "/A/empty": b"",
}


async def replica(scope: Any, receive: Any, send: Any) -> None:
    """Ends at /A/torn once the head of its answer is written, as if it were killed there."""
    body = BODIES.get(scope["path"], b"")
    length = len(body) or (36 if scope["path"] == "/A/torn" else 0)
    head = [(b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    if scope["path"] == "/A/torn":
        raise ConnectionError("ended between head and body")
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real program with all that is amended, before one such replica; gives its address."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    path = folder / "haproxy.cfg"
    with contextlib.ExitStack() as stack:
        host, behind = stack.enter_context(asgi_server(replica))
        model = BackendConfig("A", "/A", app_name="A", servers=[ServerConfig("replica", host, behind)])
        path.write_text(limited(amended(ray_writes(folder, {"A": model}, port)), {}))
        command = [get_haproxy_binary(), "-db", "-f", str(path)]
        process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        stack.callback(process.terminate)
        url = f"http://127.0.0.1:{port}"
        until("the proxy hands on", lambda: httpx.get(f"{url}/A/predict").status_code == 200, 30)
        yield url


def test_an_answer_torn_between_head_and_body_is_told_as_a_problem(proxy: str) -> None:
    answer = httpx.post(f"{proxy}/A/torn", json={}, headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "application/problem+json")
    assert answer.headers["Retry-After"] == "1"
    assert (answer.json()["request_id"], answer.json()["instance"]) == ("mine", "/A/torn")


def test_whole_answers_are_passed_on_as_they_are(proxy: str) -> None:
    for path, body in BODIES.items():
        answer = httpx.post(f"{proxy}{path}", json={})
        assert (answer.status_code, answer.content) == (200, body), path
        head = httpx.head(f"{proxy}{path}")
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(body))), path
