"""An answer is passed on whole or not at all: a replica may end between its head and its body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from asgi_server import asgi_server
from haproxy_written import haproxy, ray_writes
from local_ray import free_port
from ray.serve._private.haproxy import BackendConfig, ServerConfig

from turo.serving.ingress.haproxy import amended
from turo.serving.ingress.haproxy_limits import limited
from turo.serving.ingress.node import FAST_PATH

OWN = 16384  # bytes, HAProxy's buffer where Ray is told nothing


@dataclass(frozen=True)
class Proxy:
    """Its address, and how long an answer may be that it holds back until all of it has come."""

    url: str
    whole: int  # bytes


async def replica(scope: Any, receive: Any, send: Any) -> None:
    """`/A/whole/5` answers with five bytes; at `/A/torn/5` it ends once its head is written, as if killed.

    Whatever else is asked, the proxy's check among it, has an answer without content.
    """
    *_, how, last = scope["path"].split("/")
    length = int(last) if last.isdigit() else 0
    head = [(b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    if how == "torn":
        raise ConnectionError("ended between head and body")
    body = b"" if scope["method"] == "HEAD" else b"x" * length
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module", params=["own", "shipped"])
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The real program with all that is amended, before one such replica."""
    folder, port, buffer = tmp_path_factory.mktemp("proxy"), free_port(), OWN
    if request.param == "shipped":
        buffer = int(FAST_PATH["RAY_SERVE_HAPROXY_TUNE_BUFSIZE"])
        assert buffer > OWN
    path = folder / "haproxy.cfg"
    with asgi_server(replica) as (host, behind):
        model = BackendConfig("A", "/A", app_name="A", servers=[ServerConfig("replica", host, behind)])
        written = ray_writes(folder, {"A": model}, port, bufsize=buffer)
        path.write_text(limited(amended(written), {}))
        url = f"http://127.0.0.1:{port}"
        with haproxy(path, f"{url}/A/whole/22"):
            yield Proxy(url, buffer // 2)


def test_an_answer_torn_between_head_and_body_is_told_as_a_problem(proxy: Proxy) -> None:
    for length in (36, proxy.whole):
        answer = httpx.post(f"{proxy.url}/A/torn/{length}", json={}, headers={"X-Request-Id": "mine"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (502, "application/problem+json")
        assert answer.headers["Retry-After"] == "1"
        assert (answer.json()["request_id"], answer.json()["instance"]) == ("mine", f"/A/torn/{length}")


def test_a_longer_one_is_passed_on_as_it_comes_and_ends_as_the_replica_did(proxy: Proxy) -> None:
    """HTTP has no way to take a head back; the caller sees that it is not whole."""
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{proxy.url}/A/torn/{proxy.whole + 1}", json={})


def test_whole_answers_are_passed_on_as_they_are(proxy: Proxy) -> None:
    for length in (0, 22, proxy.whole, proxy.whole + 1, 20 * proxy.whole):
        answer = httpx.post(f"{proxy.url}/A/whole/{length}", json={})
        assert (answer.status_code, answer.content) == (200, b"x" * length), length
        head = httpx.head(f"{proxy.url}/A/whole/{length}")
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(length)), length
