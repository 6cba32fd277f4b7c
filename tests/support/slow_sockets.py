"""Callers who begin a request and do not go on: open sockets with a part of a body sent."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def slow_sockets(
    address: tuple[str, int], path: str, count: int, sent: bytes = b"{"
) -> Iterator[list[socket.socket]]:
    """So many of them, each announcing a longer body than it sends."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: served\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(sent) + 1000}\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(address, timeout=60)) for _ in range(count)]
        for one in sockets:
            one.sendall(head + sent)
        yield sockets


def read_all(one: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := one.recv(65536):
            parts.append(part)
    return b"".join(parts)
