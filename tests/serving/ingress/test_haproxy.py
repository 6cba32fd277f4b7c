"""Ray's proxy as we amend it: a real HAProxy on Ray's own configuration, with no replica behind it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from local_ray import free_port
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions
from request_loop import RequestLoop
from serving_stack import until

from turo.serving.ingress.haproxy import amended
from turo.serving.ingress.node import FAST_PATH, serve_node_environment

METRICS, STATS = "metrics", "stats"
# What a replica is to the proxy: HTTP/1.1 with connections that stay open, an answer that takes its time.
REPLICA = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together, or a kill may come between them

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/-/healthz":
            time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("X-Model-Version", sys.argv[1])
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("routes", METRICS, STATS, "nobody", "one", "two", "calm")}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Path:
    """What Ray would start the proxy with: a model whose only replica is not there, and one with two."""
    folder = tmp_path_factory.mktemp("proxy")
    config = HAProxyConfig(
        http_options=HTTPOptions(host="127.0.0.1", port=ports["routes"]),
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        metrics_socket_path=str(folder / "metrics.sock"),
        metrics_port=ports[METRICS],
        stats_port=ports[STATS],
        is_head=True,
        # Ray reads these from the environment of the node.
        retry_on=FAST_PATH["RAY_SERVE_HAPROXY_RETRY_ON"],
        bufsize=int(FAST_PATH["RAY_SERVE_HAPROXY_TUNE_BUFSIZE"]),
        observe_error_limit=int(FAST_PATH["RAY_SERVE_HAPROXY_OBSERVE_ERROR_LIMIT"]),
        health_check_inter=FAST_PATH["RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER"],
    )
    gone = BackendConfig(
        name="http-A",
        path_prefix="/A",
        app_name="A",
        servers=[ServerConfig("r", "127.0.0.1", ports["nobody"])],
    )
    two = [ServerConfig(name, "127.0.0.1", ports[name]) for name in ("one", "two")]
    twice = BackendConfig(name="http-B", path_prefix="/B", app_name="B", servers=two)
    api = HAProxyApi(config, {"http-A": gone, "http-B": twice}, str(folder / "haproxy.cfg"))
    api._generate_config_file_internal()
    return folder / "haproxy.cfg"


@pytest.fixture(scope="module")
def proxy(written: Path, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The program that Ray is told to start, with Ray's own arguments; gives its address."""
    environment = serve_node_environment(tmp_path_factory.mktemp("node"))
    with subprocess.Popen(
        [environment["RAY_SERVE_HAPROXY_BINARY_PATH"], "-db", "-f", str(written)],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
    ) as process:
        url, deadline = f"http://127.0.0.1:{ports['routes']}", time.monotonic() + 30
        while True:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            try:
                httpx.get(f"{url}/-/healthz")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
        yield url
        process.terminate()


def test_a_model_without_replicas_is_a_problem_with_the_callers_id(proxy: str) -> None:
    odd = 'mine-"1", \\'
    answer = httpx.post(f"{proxy}/A", json={"inputs": [{}]}, headers={"X-Request-Id": odd})
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers.get_list("X-Request-Id") == [odd]
    told = answer.json()
    assert (told["status"], told["instance"], told["request_id"]) == (503, "/A", odd)
    assert "try again" in told["detail"]
    assert told["error"] == told["detail"]
    nameless = httpx.get(f"{proxy}/A/schema")
    assert re.fullmatch(r"[0-9a-f-]{36}", nameless.headers["X-Request-Id"])
    assert nameless.json()["request_id"] == nameless.headers["X-Request-Id"]


def test_before_any_model_is_deployed_the_answer_is_a_problem_as_well(proxy: str) -> None:
    answer = httpx.get(f"{proxy}/")
    assert (answer.status_code, answer.json()["request_id"]) == (503, answer.headers["X-Request-Id"])


def replica(port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", REPLICA, str(port)])
    until("it listens", lambda: httpx.get(f"http://127.0.0.1:{port}/-/healthz").is_success, 30)
    return process


@pytest.mark.parametrize("length", [100, 40_000], ids=["one row", "many rows"])
def test_a_replica_that_is_killed_costs_no_answer(proxy: str, ports: dict[str, int], length: int) -> None:
    running = {name: replica(ports[name]) for name in ("one", "two", "calm")}
    try:
        url = f"{proxy}/B"
        until("both are asked", lambda: len({_asked(url) for _ in range(4)}) == 2, 30)
        alone = f"http://127.0.0.1:{ports['calm']}"  # past the proxy: what stands still there is this machine
        until("the one that nobody kills is asked", lambda: _asked(alone), 30)
        body = {"inputs": "x" * length}
        with RequestLoop(proxy, {"B": body}, rate=50) as loop, RequestLoop(alone, {"C": body}) as calm:
            for name in ("one", "two", "one"):
                count = sum(loop.statuses.values())
                until("requests flow", lambda c=count: sum(loop.statuses.values()) > c + 30, 60)  # type: ignore[misc]
                running[name].kill()
                running[name].wait()
                count = sum(loop.statuses.values())
                until("requests flow on", lambda c=count: sum(loop.statuses.values()) > c + 30, 60)  # type: ignore[misc]
                running[name] = replica(ports[name])
                until("both are asked again", lambda: len({_asked(url) for _ in range(4)}) == 2, 30)
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    gaps = f"longest gap {loop.longest_s:.2f} s, where nobody is killed {calm.longest_s:.2f} s"
    print(f"three kills: {dict(loop.statuses)}, {gaps}")
    assert (set(loop.statuses), loop.refused) == ({"200"}, [])
    assert (set(calm.statuses), calm.refused) == ({"200"}, [])
    assert loop.longest_s <= 2.0 + calm.longest_s  # for how long this machine itself stood still


def _asked(url: str) -> str:
    return httpx.post(url, json={}).headers.get("X-Model-Version", "")


def test_headers_that_do_not_come_end_in_408(proxy: str, ports: dict[str, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports["routes"])) as slow:
        slow.settimeout(30)
        slow.sendall(b"POST /A HTTP/1.1\r\nHost: x\r\n")
        assert b" 408 " in slow.recv(4096)


def test_a_body_that_does_not_come_ends_in_408_as_a_problem(proxy: str, ports: dict[str, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports["routes"])) as slow:
        slow.settimeout(30)
        slow.sendall(b"POST /A HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nContent-Length: 100\r\n\r\n{")
        answer = slow.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ") and b"application/problem+json" in answer
    assert b'"request_id":"mine"' in answer


def test_metrics_and_statistics_listen_no_further_than_the_routes(
    proxy: str, ports: dict[str, int], written: Path
) -> None:
    for name in (METRICS, STATS):
        assert httpx.get(f"http://127.0.0.1:{ports[name]}/{name}").status_code == 200
    bound = re.findall(r"(?m)^ +bind (\S+)$", written.read_text())
    assert sorted(bound) == sorted(f"127.0.0.1:{ports[name]}" for name in ("routes", METRICS, STATS))


def test_a_template_that_is_not_known_is_not_started() -> None:
    with pytest.raises(ValueError, match=r"amend turo\.serving\.ingress\.haproxy"):
        amended("global\n    maxconn 1\n")
