"""Whoever sends slowly waits alone: no place is taken, and in the end 408. Real sockets, a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx
import pytest
from asgi_server import asgi_server
from served import LIMITS, NAME, full_row, tiny_predictor
from slow_sockets import read_all, slow_sockets

from turo.serving.http.asgi import App
from turo.serving.http.before_queue import BeforeQueue
from turo.serving.http.body_limits import Waiting
from turo.serving.http.cors import Cors

SMALL = {"inputs": [full_row()]}


def limited(app: App, timeout_s: float = 60, each: int = 1000, most: int = 1 << 30) -> BeforeQueue:
    return BeforeQueue(app, Waiting(timeout_s, each, most, LIMITS.max_bytes), Cors(()))


def ask(address: tuple[str, int], times: int = 1) -> list[int]:
    url = "http://{}:{}".format(*address)
    with httpx.Client(base_url=url, timeout=60) as client:
        return [client.post("/", json=SMALL).status_code for _ in range(times)]


@pytest.mark.parametrize("guarded", [True, False])
def test_slow_bodies_take_no_place(guarded: bool) -> None:
    app = App(tiny_predictor(), LIMITS.model_copy(update={"body_timeout_s": 60}))
    with (
        asgi_server(limited(app) if guarded else app, f"/{NAME}") as address,
        slow_sockets(address, "/", 20 * LIMITS.max_in_flight),
    ):
        assert ask(address, 100) == [200] * 100
        assert app.in_flight == 0


@pytest.mark.parametrize("guarded", [True, False])
def test_a_body_that_does_not_come_is_408_and_the_connection_ends(guarded: bool) -> None:
    app = App(tiny_predictor(), LIMITS.model_copy(update={"body_timeout_s": 0.3}))
    with (
        asgi_server(limited(app, timeout_s=0.3) if guarded else app, f"/{NAME}") as address,
        slow_sockets(address, "/", 1) as (one,),
    ):
        head, _, body = read_all(one).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0].startswith("http/1.1 408")
    assert {"connection: close", "content-type: application/problem+json"} <= set(lines)
    told = json.loads(body)
    assert (told["status"], told["title"]) == (408, "Request too slow")
    assert "0.3 s" in told["detail"]
    assert f"x-request-id: {told['request_id']}" in lines


def test_of_one_client_with_too_many_the_slowest_is_given_up_and_whole_requests_pass() -> None:
    app = App(tiny_predictor(), LIMITS)
    with asgi_server(limited(app, each=5), f"/{NAME}") as address, slow_sockets(address, "/", 8) as sockets:
        assert ask(address, 20) == [200] * 20
        given_up = [read_all(one).split(b" ", 2)[1] for one in sockets[:3]]
        sockets[-1].sendall(b" " * 999 + b"}")
        assert given_up == [b"408"] * 3
        assert sockets[-1].recv(100).startswith(b"HTTP/1.1 422")  # still there: it was among the newest


def test_another_client_is_not_counted_with_them() -> None:
    waiting = Waiting(60, 1, 1 << 30, LIMITS.max_bytes)
    entered = [waiting.enter(client, None) for client in ("a", "b")]  # type: ignore[arg-type]
    assert [*waiting.waits] == entered


def test_one_whose_time_is_over_already_does_not_disturb_the_next() -> None:
    async def story() -> list[str]:
        waiting = Waiting(60, 1, 1 << 30, LIMITS.max_bytes)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0) as over:
                waiting.enter("a", over)
                await asyncio.Event().wait()
        async with asyncio.timeout(60) as limit:
            waiting.enter("a", limit)
        return [wait.client for wait in waiting.waits]

    assert asyncio.run(story()) == ["a"]


def test_all_waiting_bodies_together_are_bounded_in_bytes() -> None:
    app = App(tiny_predictor(), LIMITS)
    with (
        asgi_server(limited(app, most=100_000), f"/{NAME}") as address,
        slow_sockets(address, "/", 4, b"[" * 40_000) as sockets,
    ):
        assert read_all(sockets[0]).startswith(b"HTTP/1.1 408")
        assert read_all(sockets[1]).startswith(b"HTTP/1.1 408")
        assert ask(address) == [200]


def test_a_longer_body_than_allowed_is_413_at_once() -> None:
    app = App(tiny_predictor(), LIMITS)
    with asgi_server(limited(app), f"/{NAME}") as address:
        url = "http://{}:{}/".format(*address)
        announced = httpx.post(url, content=b" " * (LIMITS.max_bytes + 1))
        chunked = httpx.post(url, content=iter([b" " * 100_000] * (LIMITS.max_bytes // 100_000 + 1)))
    for answer in (announced, chunked):
        assert (answer.status_code, answer.headers["X-Model-Version"]) == (413, "7")


def test_who_leaves_is_forgotten() -> None:
    app = App(tiny_predictor(), LIMITS)
    inside = limited(app)
    with asgi_server(inside, f"/{NAME}") as address:
        with slow_sockets(address, "/", 3):
            assert ask(address) == [200]
        while inside.waiting.waits:
            assert ask(address) == [200]
        assert (inside.waiting.size, inside.waiting.clients) == (0, {})
