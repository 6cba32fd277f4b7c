"""Whatever headers a caller sends, Serve can read them, and there is one request id for all who ask."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from asgi_client import AsgiClient
from served import LIMITS, tiny_predictor

from turo.serving.http.asgi import App
from turo.serving.http.before_queue import client_of, middlewares

Headers = list[tuple[bytes, bytes]]


class Serve:
    """Decodes headers and echoes the request id, as Serve does around an application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name: value.decode("utf-8") for name, value in scope["headers"]}

        async def echo(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", headers[b"x-request-id"].encode()),
                ]
            await send(message)

        await self.app(scope, receive, echo)


def ask(headers: Headers) -> httpx.Response:
    app: Any = Serve(App(tiny_predictor(), LIMITS, adds_request_id=False))
    for middleware in middlewares():
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    return AsgiClient(app, "/Tiny").post(content=b"{", headers=httpx.Headers(headers))


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ([(b"X-Request-Id", b"mine")], "mine"),
        ([(b"X-Request-Id", b"first"), (b"X-Request-Id", b"second")], "first"),
        ([(b"X-Request-Id", b"a" * 1024)], "a" * 1024),
        ([(b"X-Request-Id", b"a" * 1025)], None),
        ([(b"X-Request-Id", b"\xe9\xff")], None),
        ([(b"X-Request-Id", "\u00e9".encode())], None),
        ([(b"X-Request-Id", b"a\tb")], None),
        ([(b"X-Request-Id", b"")], None),
        ([], None),
        ([(b"Serve_Multiplexed_Model_Id", b"\xe9")], None),
    ],
)
def test_header_and_body_tell_one_request_id(headers: Headers, kept: str | None) -> None:
    answer = ask(headers)
    assert answer.status_code == 400, answer.text
    (told,) = answer.headers.get_list("X-Request-Id")
    assert told == answer.json()["request_id"]
    assert told == kept or (kept is None and len(told) == 32)


def test_other_headers_stay_as_they_are() -> None:
    answer = ask([(b"Content-Type", "text/\u00e9".encode("latin-1"))])
    assert (answer.status_code, "text/" in answer.json()["detail"]) == (415, True)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.0.0.9"),
        ([b"203.0.113.7"], "203.0.113.7"),
        ([b"198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ([b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),  # the second is the proxy's own line
        ([b""], "10.0.0.9"),
    ],
)
def test_who_asks_is_whom_the_proxy_in_front_names_last(forwarded: list[bytes], client: str) -> None:
    lines = [(b"x-forwarded-for", value) for value in forwarded]
    assert client_of({"client": ("10.0.0.9", 1234)}, dict(lines)) == client


@pytest.mark.parametrize(("status", "retry"), [(503, "1"), (500, None), (404, None), (408, None)])
def test_what_serve_refuses_in_plain_text_is_told_as_a_problem(status: int, retry: str | None) -> None:
    async def serves_own(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"15")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"Traceback: no\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"!"})

    (middleware,) = middlewares()
    app = middleware.cls(serves_own, *middleware.args, **middleware.kwargs)
    answer = AsgiClient(app).post("/Tiny", json={}, headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.headers.get("Retry-After") == retry
    assert answer.headers.get_list("X-Request-Id") == ["mine"] == [answer.json()["request_id"]]
    assert (answer.json()["instance"], "Traceback" in answer.text) == ("/Tiny", False)
    assert AsgiClient(app).get("/-/healthz").text == "Traceback: no\n!"  # what Serve asks itself
