"""The first thing a request meets in a Serve process: headers that Serve could not read are put right.

Serve decodes some headers as UTF-8 before the application sees the request, and answers a bare 500 where that
fails. It also echoes any request id, so ids are settled here: one a request, everywhere the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from turo.serving.messages import request_id
from turo.serving.problems import Header

if TYPE_CHECKING:
    from starlette.middleware import Middleware

REQUEST_ID = b"x-request-id"


class Door:
    """ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["headers"] = readable(scope["headers"])
        await self.app(scope, receive, send)


def middlewares() -> list[Middleware]:
    """Named in `RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`: what Serve puts around every application."""
    from starlette.middleware import Middleware

    return [Middleware(Door)]


def readable(headers: Sequence[Header]) -> list[Header]:
    """The same headers with exactly one request id, and no value that is neither ASCII nor UTF-8."""
    given = next((value for name, value in headers if name == REQUEST_ID), b"")
    rest = [
        (name, value if value.isascii() else in_utf8(value)) for name, value in headers if name != REQUEST_ID
    ]
    return [*rest, (REQUEST_ID, request_id(given))]


def in_utf8(value: bytes) -> bytes:
    """The value, or what it says in Latin-1, the older encoding of headers."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value
