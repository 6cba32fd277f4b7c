"""What callers are told while models are deployed for the first time."""

from __future__ import annotations

import contextlib
import threading

import httpx


class FirstAnswers:
    """Asks for models that are being deployed for the first time, directly and through the catalog."""

    PATHS = ("A", "v2/models/A/ready", "B/schema", "v2/models/B")

    def __init__(self, url: str) -> None:
        self.url = url
        self.found: list[tuple[int, bool]] = []  # status, and whether it says when to come again
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FirstAnswers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            while not self._ended.wait(0.02):
                for path in self.PATHS:
                    with contextlib.suppress(httpx.TransportError):  # the proxy is not up yet
                        answer = client.get(f"/{path}")
                        self.found.append((answer.status_code, "Retry-After" in answer.headers))
