"""Steady requests in the background, every answer kept: the witness that a change of model is not felt."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import httpx


class RequestLoop:
    """Post `bodies` round robin to `{serve}/{name}` at a bounded rate until the `with` block ends.

    Args:
        serve: address of Ray Serve's ingress.
        bodies: one valid body a route name.
        rate: requests a second, all routes together.
    """

    def __init__(self, serve: str, bodies: dict[str, Any], rate: float = 20.0) -> None:
        self.serve, self.bodies, self.rate = serve, bodies, rate
        self.statuses: Counter[str] = Counter()
        self.longest_s = 0.0  # between two good answers
        self.refused: list[str] = []  # what else was answered: status, type, first characters
        self._good_at = time.monotonic()
        self.versions: dict[str, list[str]] = {name: [] for name in bodies}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> RequestLoop:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._stop.is_set():
                for name, body in self.bodies.items():
                    began = time.monotonic()
                    self._once(client, name, body)
                    self._stop.wait(max(0.0, 1 / self.rate - (time.monotonic() - began)))

    def _once(self, client: httpx.Client, name: str, body: Any) -> None:
        try:
            answer = client.post(f"{self.serve}/{name}", json=body)
            self.statuses[str(answer.status_code)] += 1
            if answer.status_code == httpx.codes.OK:
                now = time.monotonic()
                self.longest_s, self._good_at = max(self.longest_s, now - self._good_at), now
            else:
                kind = answer.headers.get("Content-Type", "")
                self.refused.append(f"{answer.status_code} {kind} {answer.text[:200]}")
            version = answer.headers.get("X-Model-Version", "none")
            if not self.versions[name] or self.versions[name][-1] != version:
                self.versions[name].append(version)
        except httpx.HTTPError as error:
            self.statuses[type(error).__name__] += 1
