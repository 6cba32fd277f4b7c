"""Refusals: each is one `application/problem+json` body (RFC 9457): short, exact, never a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

TITLES = {
    400: "Malformed request",
    401: "API key required",
    403: "Not allowed from another page",
    404: "Not found",
    405: "Method not allowed",
    408: "Request too slow",
    409: "Model and table do not fit",
    413: "Request too large",
    415: "Unsupported media type",
    422: "Invalid input",
    500: "Internal error",
    502: "No answer",
    503: "Overloaded",
    504: "No answer",
}
MAX_ERRORS = 20  # rows named in one answer: enough to see the pattern, short enough to read
MAX_GOT = 80  # characters of a refused value or name that are echoed

Header = tuple[bytes, bytes]


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A request that is refused.

    Args:
        status: HTTP status.
        detail: one sentence: what is wrong, naming the thing and the value met.
        errors: one entry per row and column: `row`, `column`, `expected`, `got` (those that apply).
        headers: extra response headers, e.g. `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[dict[str, Any]] = (),
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors[:MAX_ERRORS])
        self.headers = list(headers)

    def __reduce__(self) -> tuple[Any, ...]:
        """Callers in other processes get the same: exceptions are pickled with their message alone."""
        return (type(self), (self.status, self.detail, self.errors, self.headers))

    def body(self, instance: str, request_id: str, protocol_error: bool = False) -> bytes:
        """The JSON body; `protocol_error` adds the member `error` that V2 clients read."""
        content: dict[str, Any] = {
            "type": f"/docs#{self.status}",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
        }
        if self.errors:
            content["errors"] = self.errors
        if protocol_error:
            content["error"] = self.detail
        return orjson.dumps(content)


def overloaded(detail: str, retry_after_s: int = 1) -> Problem:
    """503 with the time after which trying again makes sense."""
    return Problem(503, detail, headers=[(b"retry-after", str(retry_after_s).encode())])


def too_slow(detail: str) -> Problem:
    """408. What still comes of the body would be read as the next request, so the connection ends."""
    return Problem(408, detail, headers=[(b"connection", b"close")])


def shown(value: Any) -> str:
    """A refused value as JSON would write it, cut to a readable length."""
    try:
        text = orjson.dumps(value).decode() if not isinstance(value, float) else repr(value)
    except (TypeError, ValueError):  # an integer beyond 64 bits, a lone surrogate, nesting beyond orjson's
        text = ascii(value) if isinstance(value, str | int) else f"a {type(value).__name__}"
    text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)
    return cut(text)


def cut(name: str) -> str:
    """A caller's own word at a readable length."""
    return name if len(name) <= MAX_GOT else name[: MAX_GOT - 1] + "…"
