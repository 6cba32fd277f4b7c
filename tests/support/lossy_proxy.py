"""A proxy in front of MLflow that loses answers: the server did the work, its caller never hears of it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class LossyProxy:
    """`lose` maps an ending of a path to what becomes of its next requests, one word each.

    dropped: done, then the connection is closed. 503: done, then answered so. refused: not done, but 503.
    """

    upstream: str
    uri: str = ""
    lose: dict[str, list[str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def fate(self, path: str) -> str:
        for ending, fates in self.lose.items():
            if path.endswith(ending) and fates:
                return fates.pop(0)
        return "answered"


@contextmanager
def lossy_proxy(upstream: str) -> Iterator[LossyProxy]:
    """A proxy on a free port of the loopback interface."""
    proxy = LossyProxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            path = urlsplit(self.path).path
            proxy.seen.append(f"{self.command} {path}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fate = proxy.fate(path)
            status, kind, content = 503, "text/plain", b"no"
            if fate != "refused":
                status, kind, content = self.ask(body)
            if fate == "dropped":
                self.close_connection = True
                return
            if fate == "503":
                status, kind, content = 503, "text/plain", b"no"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def ask(self, body: bytes) -> tuple[int, str, bytes]:
            upstream = http.client.HTTPConnection(urlsplit(proxy.upstream).netloc, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            return answer.status, answer.getheader("Content-Type") or "text/plain", content

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Not on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.uri = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
