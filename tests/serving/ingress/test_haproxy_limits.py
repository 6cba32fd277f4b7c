"""Limits that Ray's own HAProxy configuration lacks: put where they belong, and taken by the real program."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgi_server import asgi_server
from haproxy_written import haproxy, ray_writes
from local_ray import free_port
from ray.serve._private.haproxy import BackendConfig, ServerConfig, get_haproxy_binary
from served import LIMITS, NAME, full_row, tiny_predictor
from serving_stack import until
from slow_sockets import read_all, slow_sockets

from turo.serving.http.asgi import App
from turo.serving.http.before_queue import BeforeQueue
from turo.serving.http.body_limits import Waiting
from turo.serving.http.cors import Cors
from turo.serving.ingress.haproxy_limits import limited


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Ray writes before anything is deployed."""
    return ray_writes(tmp_path_factory.mktemp("proxy"), {})


@contextlib.contextmanager
def proxy(folder: Path, application: Any, **environment: str) -> Iterator[tuple[str, int]]:
    """The real program with the limits, before one replica of a model; gives its address."""
    port = free_port()
    with asgi_server(application) as (host, behind):
        replica = ServerConfig("replica", host, behind)
        text = ray_writes(
            folder, {"A": BackendConfig("A", f"/{NAME}", app_name="A", servers=[replica])}, port
        )
        (folder / "haproxy.cfg").write_text(limited(text, environment))
        with haproxy(folder / "haproxy.cfg", f"http://127.0.0.1:{port}/{NAME}"):
            yield "127.0.0.1", port


@pytest.mark.parametrize(
    ("trusted", "asker", "scheme"),
    [("127.0.0.1", "9.9.9.9", "https"), ("10.213.253.2", "127.0.0.1", ""), ("", "127.0.0.1", "https")],
)
def test_the_one_proxy_in_front_is_believed_who_asks_and_how(
    tmp_path: Path, trusted: str, asker: str, scheme: str
) -> None:
    """Without such a proxy links follow what is said, as they always did; who asks is never taken from it."""

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        told = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = f"{told.get('x-forwarded-for')}|{told.get('x-forwarded-proto', '')}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    given = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https"}
    with proxy(tmp_path, echo, TRUSTED_PROXY=trusted) as (host, port):
        answer = httpx.get(f"http://{host}:{port}/{NAME}", headers=given, trust_env=False)
    forwarded, _, proto = answer.text.partition("|")
    assert (forwarded.rpartition(",")[2].strip(), proto) == (asker, scheme)


class Replica:
    """The application below its prefix, as Serve mounts it, with Serve's own health route."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/-/healthz":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            return await send({"type": "http.response.body", "body": b""})
        return await self.app({**scope, "root_path": f"/{NAME}"}, receive, send)


def section(text: str, name: str) -> str:
    found = re.search(rf"(?ms)^{name}\n(.*?)(?=^\S|\Z)", text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("environment", "body"),
    [
        ({}, "10000ms"),
        ({"SERVE_BODY_TIMEOUT_S": ""}, "10000ms"),
        ({"SERVE_BODY_TIMEOUT_S": "2.5"}, "2500ms"),
    ],
)
def test_heads_and_bodies_have_the_settings_time(
    written: str, environment: dict[str, str], body: str
) -> None:
    earlier = written.replace("    mode http\n", "    mode http\n    timeout http-request 77s\n", 1)
    text = limited(earlier, environment)
    assert re.findall(r"timeout http-request (\S+)", text) == [body]
    assert f"timeout http-request {body}" in section(text, "defaults")
    assert f"http-request wait-for-body time {body}" in section(text, "frontend http_frontend")


@pytest.mark.parametrize(
    ("environment", "longest"),
    [({}, "45000ms"), ({"SERVE_TIMEOUT_S": "2.5", "SERVE_BODY_TIMEOUT_S": "1"}, "8500ms")],
)
def test_an_answer_is_not_waited_for_without_end(
    written: str, environment: dict[str, str], longest: str
) -> None:
    text = limited(written, environment)
    assert re.findall(r"timeout server (\S+)", text) == [longest]
    assert re.findall(r"timeout client (\S+)", text) == [longest]
    assert f"timeout server {longest}\n    timeout client {longest}" in section(text, "defaults")


def test_nobody_has_all_connections_and_replicas_learn_who_asks(written: str) -> None:
    text = limited(written, {})
    most = re.search(r"(?m)^    maxconn (\d+)", text)
    kept = re.search(r"tcp-request connection reject if { sc0_conn_cur gt (\d+) }", text)
    assert most and kept
    assert int(kept[1]) == int(most[1]) * 3 // 4
    assert "option forwardfor" in section(text, "defaults")
    assert "origin" not in text


@pytest.mark.parametrize("origins", ["", "https://App.example.com/, http://localhost:3000"])
def test_haproxy_takes_it(written: str, origins: str, tmp_path: Path) -> None:
    text = limited(written, {"SERVE_CORS_ORIGINS": origins, "SERVE_BODY_TIMEOUT_S": "2.5"})
    assert ("-m str https://app.example.com http://localhost:3000 }" in text) == bool(origins)
    (tmp_path / "haproxy.cfg").write_text(text)
    done = subprocess.run(
        [get_haproxy_binary(), "-c", "-f", str(tmp_path / "haproxy.cfg")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "ALERT" not in done.stderr


def test_who_sends_slowly_waits_in_the_proxy_and_nobody_else_notices(tmp_path: Path) -> None:
    """600 who send one byte never reach a replica; 50 who send more than the proxy keeps wait at its door."""
    app = App(tiny_predictor(), LIMITS)
    waiting = Waiting(60, 1000, 1 << 30, LIMITS.max_bytes)
    body = {"inputs": [full_row()]}
    with (
        proxy(tmp_path, Replica(BeforeQueue(app, waiting, Cors(()))), SERVE_BODY_TIMEOUT_S="60") as address,
        slow_sockets(address, f"/{NAME}", 600),
        slow_sockets(address, f"/{NAME}", 50, b"[" * 100_000),
        httpx.Client(timeout=60) as client,
    ):
        url = "http://{}:{}/{}".format(*address, NAME)
        statuses = [client.post(url, json=body).status_code for _ in range(200)]
        until("the long ones wait", lambda: len(waiting.waits) == 50, 30)
        assert (statuses, app.in_flight) == ([200] * 200, 0)
        assert [*waiting.clients] == ["127.0.0.1"]


def test_a_body_that_does_not_come_ends_in_408(tmp_path: Path) -> None:
    app = Replica(App(tiny_predictor(), LIMITS))
    with (
        proxy(tmp_path, app, SERVE_BODY_TIMEOUT_S="1") as address,
        slow_sockets(address, f"/{NAME}", 1) as (body,),
        socket.create_connection(address, timeout=60) as head,
    ):
        head.sendall(b"POST /Tiny HTTP/1.1\r\nHost: x\r\n")
        assert read_all(body).startswith(b"HTTP/1.1 408")
        assert read_all(head).startswith(b"HTTP/1.1 408")


def test_who_was_refused_and_sends_no_more_is_let_go(tmp_path: Path) -> None:
    """A replica's 408 to a body longer than the proxy holds leaves the proxy waiting for the rest."""
    waiting = Waiting(1, 1000, 1 << 30, LIMITS.max_bytes)
    app = Replica(BeforeQueue(App(tiny_predictor(), LIMITS), waiting, Cors(())))
    with (
        proxy(tmp_path, app, SERVE_BODY_TIMEOUT_S="1", SERVE_TIMEOUT_S="1") as address,
        slow_sockets(address, f"/{NAME}", 1, b"[" * 100_000) as (body,),
    ):
        assert read_all(body).startswith(b"HTTP/1.1 408")  # until it is closed


def test_a_template_that_is_not_known_is_not_started() -> None:
    with pytest.raises(ValueError, match="amend this module"):
        limited("global\n    maxconn 1\n", {})
