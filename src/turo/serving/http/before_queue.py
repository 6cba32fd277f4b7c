"""ASGI middleware around every application of a Serve process: it sees a request before Serve queues it.

- It reads the whole body first, so that a slow one takes no place in the queue.
- It re-encodes headers that Serve could not decode as UTF-8 (Serve would answer a bare 500), and gives each
  request exactly one id.
- It turns Serve's own refusals, which are plain text, into problem bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from turo.serving.http.body_limits import DisconnectedError, Waiting
from turo.serving.http.cors import Cors
from turo.serving.http.json_body import length_of
from turo.serving.http.messages import BODILESS, Request, Response, problem_response, request_id
from turo.serving.http.problems import Header, Problem, overloaded
from turo.settings import load as load_settings

if TYPE_CHECKING:
    from starlette.middleware import Middleware

REQUEST_ID = b"x-request-id"
FORWARDED_FOR = b"x-forwarded-for"
ORIGIN = b"origin"
INTERNAL = "/-/"  # what Serve asks itself
TEXT = (b"content-type", b"text/plain")
FULL = "No replica has a place free now; try again shortly."
DETAILS = {
    404: "Nothing answers here; GET / lists what does.",
    408: "The answer took longer than the request allowed.",
}


class BeforeQueue:
    """The middleware; `middlewares` configures it."""

    def __init__(self, app: Any, waiting: Waiting, cors: Cors) -> None:
        self.app = app
        self.waiting = waiting
        self.cors = cors

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope["headers"] = readable(scope["headers"])
        headers = dict(scope["headers"])
        request = Request(scope["method"], scope["path"], headers, b"", scope["path"])
        allowed = self.cors.preflight(request.method, headers)
        if allowed is not None:
            return await answer(Response(204, allowed, b""), request, send)
        send = self.cors.around(headers.get(ORIGIN), send)
        announced = length_of(headers.get(b"content-length", b"")) or 0
        # What is announced as too long is not waited for: the application refuses it before it is read.
        if request.method not in BODILESS and announced <= self.waiting.longest:
            try:
                body, more = await self.waiting.whole(client_of(scope, headers), receive)
            except DisconnectedError:
                return None
            except Problem as problem:
                return await answer(problem_response(problem, request), request, send)
            receive = replay(body, more, receive)
        return await self.app(scope, receive, as_problem(request, send))


def middlewares() -> list[Middleware]:
    """Named in `RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`: what Serve puts around every application."""
    from starlette.middleware import Middleware

    settings = load_settings()
    return [Middleware(BeforeQueue, waiting=Waiting.of(settings), cors=Cors(settings.serve_cors_origins))]


async def answer(response: Response, request: Request, send: Any) -> None:
    """An answer from here."""
    headers = [
        *response.headers,
        (b"content-length", str(len(response.body)).encode()),
        (REQUEST_ID, request.headers[REQUEST_ID]),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})


def client_of(scope: Any, headers: dict[bytes, bytes]) -> str:
    """Who asks: the address that the proxy in front has added at the end, else the peer's."""
    forwarded = headers.get(FORWARDED_FOR, b"").rpartition(b",")[2].strip()
    peer = scope.get("client") or ("", 0)
    return forwarded.decode("latin-1") or str(peer[0])


def replay(body: bytes, more: bool, receive: Any) -> Any:
    """`receive` that gives what was read already, then what follows."""
    first: dict[str, Any] | None = {"type": "http.request", "body": body, "more_body": more}

    async def again() -> Any:
        nonlocal first
        if first is None:
            return await receive()
        message, first = first, None
        return message

    return again


def as_problem(request: Request, send: Any) -> Any:
    """`send` that tells Serve's own refusals, which are plain text, as problem bodies."""
    refused = 0

    async def told(message: Any) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] >= 400:
            text = any(
                name.lower() == TEXT[0] and value.startswith(TEXT[1]) for name, value in message["headers"]
            )
            if text and not request.path.startswith(INTERNAL):
                refused = message["status"]
                return
        if not refused:
            await send(message)
        elif not message.get("more_body", False):
            problem = (
                overloaded(FULL)
                if refused == 503
                else Problem(refused, DETAILS.get(refused, "The request could not be answered."))
            )
            await answer(problem_response(problem, request), request, send)

    return told


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
