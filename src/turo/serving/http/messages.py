"""Requests and responses as plain values, so that services are tested without a server."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from turo.serving.http.problems import Header, Problem

JSON: Header = (b"content-type", b"application/json")
PROBLEM: Header = (b"content-type", b"application/problem+json")
HTML: Header = (b"content-type", b"text/html; charset=utf-8")
BODILESS = ("GET", "HEAD")
MAX_PARAMETERS = 50
REQUEST_ID = re.compile(rb"[ -~]{1,1024}")
QUALITY = re.compile(rb"\bq=([01](?:\.\d{0,3})?)")
PREFIX = re.compile(rb"(/[A-Za-z0-9._~\-]+){1,8}/?")
PROTOCOLS = (b"http", b"https")
HOST = re.compile(rb"[A-Za-z0-9.\-_]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")


def request_id(given: bytes) -> bytes:
    """The caller's id where it can be told in a header and a log again (printable ASCII), else a new one."""
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex.encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One request below an application's route prefix.

    Args:
        method: GET, POST, …
        path: the path below the prefix, "" or starting with "/".
        headers: names in lower case; of a repeated header the last one.
        body: the whole body.
        full_path: the path as the caller wrote it, for messages.
        query: what follows the question mark, as it was sent.
        signed_in: it brings the cookie of a browser that was given the API key; its pages let it sign out.
    """

    method: str
    path: str
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    full_path: str = ""
    query: str = ""
    signed_in: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last.

        Raises:
            Problem: 400, there are too many.
        """
        try:
            return dict(parse_qsl(self.query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS))
        except ValueError as error:
            raise Problem(400, f"The address has more than {MAX_PARAMETERS} parameters.") from error

    @property
    def request_id(self) -> str:
        return self.headers.get(b"x-request-id", b"").decode("latin-1")

    @property
    def base_url(self) -> str:
        """Scheme, host and prefix as the caller sees them, behind other proxies too.

        No header is trusted beyond its form: what does not fit counts as absent.
        """
        asked = self.forwarded(b"host")
        host = next(
            (h for h in (asked, self.headers.get(b"host", b"")) if HOST.fullmatch(h)), b"localhost:8000"
        )
        protocol = self.forwarded(b"proto").lower()
        scheme = protocol if protocol in PROTOCOLS else b"http"
        return f"{scheme.decode()}://{host.decode()}{self.prefix}"

    @property
    def prefix(self) -> str:
        """Below which path of another server the routes are; empty for none."""
        given = self.forwarded(b"prefix")
        return given.decode().rstrip("/") if PREFIX.fullmatch(given) else ""

    def forwarded(self, what: bytes) -> bytes:
        """What the proxy nearest to the caller says in `X-Forwarded-…`."""
        return self.headers.get(b"x-forwarded-" + what, b"").partition(b",")[0].strip()

    @property
    def wants_html(self) -> bool:
        """Whether a person asks: HTML named in Accept, and liked better than JSON or named before it.

        Java's own client and others name HTML as well as `*/*`: of those only a browser that opens a page
        (it says so, or names XHTML) wants HTML.
        """
        liked: dict[bytes, float] = {}
        for part in self.headers.get(b"accept", b"").lower().split(b","):
            kind, _, rest = part.partition(b";")
            quality = QUALITY.search(rest)
            liked.setdefault(kind.strip(), float(quality[1]) if quality else 1.0)
        opens = self.headers.get(b"sec-fetch-mode") == b"navigate" or b"application/xhtml+xml" in liked
        if not opens and liked.keys() & {b"*/*", b"*"}:
            return False
        html, json = liked.get(b"text/html", 0.0), liked.get(b"application/json", 0.0)
        return html > json or (
            html == json > 0 and [*liked].index(b"text/html") < [*liked].index(b"application/json")
        )


class Response(NamedTuple):
    """Status, headers, body."""

    status: int
    headers: Sequence[Header]
    body: bytes


def version_headers(version: str, run_id: str) -> list[Header]:
    """Which version answers."""
    return [(b"x-model-version", version.encode()), (b"x-run-id", run_id.encode())]


def json_response(content: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, [JSON], orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))


def problem_response(problem: Problem, request: Request) -> Response:
    """The answer to a refused request; below /v2 it also carries the protocol's `error` member."""
    path = request.full_path or request.path
    body = problem.body(path, request.request_id, protocol_error="/v2/" in path)
    return Response(problem.status, [PROBLEM, *problem.headers], body)


def allow(request: Request, *methods: str) -> None:
    """Refuse other methods with 405 and an Allow header. HEAD goes wherever GET goes."""
    if request.method in methods or (request.method == "HEAD" and "GET" in methods):
        return
    allowed = ", ".join(methods)
    path = request.full_path or request.path
    detail = f"{request.method} is not allowed on {path}; use {allowed}."
    raise Problem(405, detail, headers=[(b"allow", allowed.encode())])
