"""Ask an ASGI application as an HTTP client would, mounted below a prefix as Serve mounts it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx


class AsgiClient:
    """Synchronous requests; `app` is any ASGI application, `prefix` its route prefix."""

    def __init__(self, app: Any, prefix: str = "") -> None:
        self.app, self.prefix = app, prefix

    def request(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """One request below the prefix; `more` is what httpx takes."""
        return asyncio.run(self._request(method, path, **more))

    def get(self, path: str = "", **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str = "", **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True, root_path=self.prefix)
        async with httpx.AsyncClient(transport=transport, base_url="http://served:8000") as client:
            return await client.request(method, self.prefix + path or "/", **more)


class RawClient:
    """The same without an HTTP library between, for thousands of requests: bytes in, status and bytes out."""

    def __init__(self, app: Any, prefix: str = "") -> None:
        self.app, self.prefix = app, prefix
        self.loop = asyncio.new_event_loop()

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        """One request; `path` is decoded already, as servers hand it on."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": self.prefix + path,
            "root_path": self.prefix,
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
        self.loop.run_until_complete(self.app(scope, receive, send))
        start, content = sent
        return httpx.Response(start["status"], headers=start["headers"], content=content["body"])

    def close(self) -> None:
        self.loop.close()
