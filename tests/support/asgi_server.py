"""An ASGI application on a port, in a thread, as Serve starts one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn


@contextlib.contextmanager
def asgi_server(application: Any, root_path: str = "") -> Iterator[tuple[str, int]]:
    """Its address; it is ended at once, whoever is still connected."""
    config = uvicorn.Config(application, port=0, lifespan="off", access_log=False, root_path=root_path)
    one = uvicorn.Server(config)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    try:
        while not one.started:
            assert thread.is_alive()
        yield one.servers[0].sockets[0].getsockname()[:2]
    finally:
        one.should_exit = one.force_exit = True
        thread.join()
