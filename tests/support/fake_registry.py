"""A registry of images on the loopback, for who asks for digests: a token, then the digest of a tag."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def digest(content: str) -> str:
    """The digest of an image of that content."""
    return f"sha256:{sha256(content.encode()).hexdigest()}"


@dataclass
class Registry:
    """What it holds and how it is.

    Attributes:
        images: `library/redis:8.2` → digest.
        asked: path and token of each question for a tag.
        states: status of the next answers, one each; empty: it is well.
    """

    images: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    address: str = ""

    def answer(self, path: str, token: str) -> tuple[int, dict[str, str]]:
        """Status and headers for a manifest."""
        self.asked.append((path, token))
        if self.states:
            return self.states.pop(0), {}
        name, _, tag = path.removeprefix("/v2/").partition("/manifests/")
        if token != f"Bearer for repository:{name}:pull":
            scope = f'service="registry",scope="repository:{name}:pull"'
            return 401, {"WWW-Authenticate": f'Bearer realm="{self.address}/token",{scope}'}
        found = self.images.get(f"{name}:{tag}")
        return (404, {}) if found is None else (200, {"Docker-Content-Digest": found})


@contextmanager
def fake_registry() -> Iterator[Registry]:
    """A running one, empty."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            status, headers = registry.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            (scope,) = parse_qs(urlsplit(self.path).query)["scope"]
            body = f'{{"token": "for {scope}"}}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    registry.address = f"http://127.0.0.1:{server.server_port}"
    yield registry
    server.shutdown()
    server.server_close()
