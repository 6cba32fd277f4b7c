"""A notebook as JupyterLab runs it: a kernel, cells over the server's websocket, what each shows."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.sync.client import connect


class Notebook:
    """A kernel of a running Jupyter server; a context manager that ends it."""

    def __init__(self, url: str, token: str, timeout_s: float = 120.0) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"token {token}"}, timeout=timeout_s, trust_env=False
        )
        self.timeout_s = timeout_s
        self.open = ExitStack()

    def __enter__(self) -> Self:
        self.kernel = self.http.post("/api/kernels", json={"name": "python3"}).raise_for_status().json()["id"]
        address = str(self.http.base_url).replace("http", "ws", 1).rstrip("/")
        connection = connect(
            f"{address}/api/kernels/{self.kernel}/channels",
            additional_headers={"Authorization": self.http.headers["Authorization"]},
            proxy=None, max_size=None, open_timeout=self.timeout_s, ping_timeout=self.timeout_s,
        )  # fmt: skip
        self.socket = self.open.enter_context(connection)
        return self

    def __exit__(self, *_: tuple[type[BaseException], BaseException, TracebackType]) -> None:
        self.open.close()
        self.http.delete(f"/api/kernels/{self.kernel}")
        self.http.close()

    def run(self, code: str) -> str:
        """Execute a cell; what it printed, and its errors. Ends too where the kernel dies of it."""
        asked = self._ask(
            "execute_request", {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        )
        shown = ""
        while True:
            answer: dict[str, Any] = json.loads(self.socket.recv(timeout=self.timeout_s))
            kind, content = answer["msg_type"], answer["content"]
            if kind == "status" and content["execution_state"] in ("restarting", "dead"):
                self._wait_for_the_next_kernel()
                return shown
            if answer["parent_header"].get("msg_id") != asked:
                continue
            if kind == "stream":
                shown += content["text"]
            elif kind == "error":
                shown += f"{content['ename']}: {content['evalue']}\n"
            elif kind == "status" and content["execution_state"] == "idle":
                return shown

    def _ask(self, kind: str, content: dict[str, Any]) -> str:
        """Send a request to the kernel; returns its id."""
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": kind, "username": "", "session": "s", "version": "5.4"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.socket.send(json.dumps({**message, "channel": "shell"}))
        return asked

    def _wait_for_the_next_kernel(self) -> None:
        """Ask until it answers: what is asked before it listens is lost, and so is what is told before we do.

        Replies and what a cell shows come on two channels, and each of them connects anew by itself.
        """
        deadline = time.monotonic() + self.timeout_s
        awaited = {"kernel_info_reply", "status"}
        asked = set()
        while time.monotonic() < deadline:
            asked.add(self._ask("kernel_info_request", {}))
            with suppress(TimeoutError):
                while awaited:
                    answer = json.loads(self.socket.recv(timeout=1.0))
                    if answer["parent_header"].get("msg_id") in asked:
                        awaited.discard(answer["msg_type"])
                return
        raise TimeoutError(f"No kernel answers {self.timeout_s:g} s after one died; awaited: {awaited}.")
