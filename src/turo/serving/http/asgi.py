"""The server side of a service: body limits, deadline, bounded queue, API key, problem bodies, request ids.

A raw ASGI class: a framework's routing and request objects would cost more than the prediction.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Protocol

from turo.serving.http.api_key import check_key
from turo.serving.http.body_limits import DisconnectedError, in_time, refuse_longer
from turo.serving.http.html_page import refused_as_page
from turo.serving.http.json_body import length_of
from turo.serving.http.messages import BODILESS, Request, Response, problem_response, request_id
from turo.serving.http.problems import Header, Problem, overloaded
from turo.serving.http.sign_in import sign_in_page
from turo.serving.http.signed_in import is_signed_in
from turo.serving.serve_config import Limits

INLINE_BYTES = 64 << 10  # larger bodies are read and predicted in a thread, so that the loop keeps answering
LARGE = "large"  # their thread

logger = logging.getLogger(__name__)


class Service(Protocol):
    """Anything that answers requests: a model's predictor, or the catalog."""

    headers: list[Header]

    def handle(self, request: Request) -> Response | Awaitable[Response]: ...


class App:
    """ASGI application around one service.

    Args:
        service: what answers; may be exchanged at any time, and set later if None.
        limits: body size, deadlines, and how many requests may wait and run at once.
        api_key: if set, required as `X-API-Key` or bearer token.
        adds_request_id: False where the server in front (Serve) already does.
        count: called with the status of every answer.
    """

    def __init__(
        self,
        service: Service | None = None,
        limits: Limits | None = None,
        *,
        api_key: str = "",
        adds_request_id: bool = True,
        count: Callable[[int], None] | None = None,
    ) -> None:
        self.service: Any = service
        self.limits: Any = limits
        self.api_key = api_key.encode()
        self.adds_request_id = adds_request_id
        self.count = count
        self.in_flight = 0
        # What takes its time for another reason than its size waits for its own kind only.
        self.lanes: dict[str, ThreadPoolExecutor] = defaultdict(lambda: ThreadPoolExecutor(max_workers=1))
        # Serve asks an ASGI app for these to name the route in its metrics.
        self.routes: list[Any] = []
        self.router = SimpleNamespace(redirect_slashes=False)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1003})
        headers = dict(scope["headers"])
        headers[b"x-request-id"] = request_id(headers.get(b"x-request-id", b""))
        root, path = scope.get("root_path", ""), scope["path"]
        query = scope.get("query_string", b"").decode("latin-1")
        below = path[len(root) : len(path) - closing_slashes(scope)]
        request = Request(scope["method"], below, headers, b"", path, query)
        service = self.service  # may be exchanged while this request is under way
        try:
            response = await self.answer(request, receive, service)
        except DisconnectedError:
            return
        if self.count:
            self.count(response.status)
        content = b"" if request.method == "HEAD" else response.body
        sent = [*response.headers, *service.headers]
        if response.status != HTTPStatus.NOT_MODIFIED:  # its length would be that of what the caller holds
            sent.append((b"content-length", str(len(response.body)).encode()))
        if self.adds_request_id:
            sent.append((b"x-request-id", headers[b"x-request-id"]))
        await send({"type": "http.response.start", "status": response.status, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    async def answer(self, request: Request, receive: Any = None, service: Service | None = None) -> Response:
        """Any request to a response. Without `receive` the body is in the request.

        Raises:
            DisconnectedError: the caller left before the request was whole; nothing else is raised.
        """
        try:
            check_key(request, self.api_key)
            if self.api_key and is_signed_in(request, self.api_key):
                request = replace(request, signed_in=True)
            if receive and request.method not in BODILESS:
                body = await self.read(request, receive)
                request = replace(request, body=body)
            return await self.in_turn(request, service or self.service)
        except Problem as problem:
            return self.refusal(problem, request)
        except DisconnectedError:
            raise
        except Exception:
            logger.exception(
                "%s %s failed (request %s)", request.method, request.full_path, request.request_id
            )
            return self.refusal(Problem(500, "The request could not be answered; the log says why."), request)

    async def in_turn(self, request: Request, service: Service) -> Response:
        """A whole request in its place in the queue. One whose body is still to come has none."""
        self.admit(request)
        self.in_flight += 1
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                return await self.run(request, service)
        except TimeoutError:
            raise overloaded(f"No answer within {self.limits.timeout_s:g} s.", retry_after_s=5) from None
        finally:
            self.in_flight -= 1

    def refusal(self, problem: Problem, request: Request) -> Response:
        """The answer to a request that got none from the service; a browser without the key gets a form."""
        if problem.status == HTTPStatus.UNAUTHORIZED and refused_as_page(request):
            return sign_in_page(request)
        return problem_response(problem, request)

    async def run(self, request: Request, service: Service) -> Response:
        """Small requests at once; large ones, and each kind that takes its time, in a thread beside the loop.

        A service that only hands requests on is awaited whatever their size: it does not hold the loop up.
        """
        waits = getattr(service, "waits", None)
        slow = waits is not None and waits(request)
        if (slow or len(request.body) > INLINE_BYTES) and not inspect.iscoroutinefunction(service.handle):
            loop, lane = asyncio.get_running_loop(), self.lanes[request.path if slow else LARGE]
            result: Any = await loop.run_in_executor(lane, service.handle, request)
        else:
            result = service.handle(request)
        return await result if inspect.isawaitable(result) else result

    def admit(self, request: Request) -> None:
        """Refuse where too many requests wait already; `request` is whole."""
        if self.in_flight >= self.limits.max_in_flight:
            raise overloaded(f"{self.in_flight} requests are waiting already; try again shortly.")

    async def read(self, request: Request, receive: Any) -> bytes:
        """The whole body.

        Raises:
            Problem: 413 as soon as it is known to be too long, 408 if it does not come.
        """
        most = self.limits.max_bytes
        refuse_longer(length_of(request.headers.get(b"content-length", b"")) or 0, most)
        body, _ = await in_time(receive, most, self.limits.body_timeout_s)
        refuse_longer(len(body), most)
        return body


def closing_slashes(scope: MutableMapping[str, Any]) -> int:
    """How many slashes end a path beyond its last part; one that is written %2F belongs to a name."""
    sent: bytes = scope.get("raw_path") or scope["path"].encode()
    sent = sent.partition(b"?")[0]
    return len(sent) - len(sent.rstrip(b"/"))


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
