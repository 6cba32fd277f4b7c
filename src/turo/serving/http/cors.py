"""Which web pages may call the routes from a browser (CORS): those whose origin is named, and no other."""

from __future__ import annotations

from typing import Any

from turo.serving.http.problems import Header

METHODS = b"GET, HEAD, POST"
ASKED = b"Authorization, Content-Type, Inference-Header-Content-Length, X-API-Key, X-Request-Id"
TOLD = (
    b"Inference-Header-Content-Length, Retry-After, X-Model-Version, X-Model-Warning, X-Request-Id, X-Run-Id"
)
AGE_S = b"600"  # for which a browser need not ask again


class Cors:
    """The origins that may, as browsers send them: scheme, host, port unless it is the scheme's own."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self.origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes | None) -> list[Header]:
        """What every answer carries: caches must keep the origins apart, whether or not they are allowed.

        Credentials are not allowed: the sign-in's cookie is for this server's own pages, and another page
        that has the key sends it itself.
        """
        if not self.origins:
            return []
        vary = (b"vary", b"Origin")
        if origin not in self.origins:
            return [vary]
        return [vary, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", TOLD)]

    def preflight(self, method: str, headers: dict[bytes, bytes]) -> list[Header] | None:
        """The answer's headers where a browser asks beforehand whether a page may; else None."""
        asks = method == "OPTIONS" and b"access-control-request-method" in headers
        origin = headers.get(b"origin")
        if not asks or origin not in self.origins:
            return None
        return [
            (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", ASKED),
            (b"access-control-max-age", AGE_S),
        ]

    def around(self, origin: bytes | None, send: Any) -> Any:
        """`send` that adds the headers to whatever is answered."""
        added = self.headers(origin)
        if not added:
            return send

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        return with_headers
