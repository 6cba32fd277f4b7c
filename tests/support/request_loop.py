"""Steady requests in the background, every answer kept, to show that a change of model is not felt."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import httpx

WAIT_S = 60.0  # longer than the routes take to say that they are too slow


class RequestLoop:
    """Post `bodies` to `{serve}/{name}` at a bounded rate until the `with` block ends.

    Each route has a thread of its own: one that hangs does not spare the others their requests.

    Args:
        serve: address of Ray Serve's ingress.
        bodies: one valid body a route name.
        rate: requests a second, all routes together.
    """

    def __init__(self, serve: str, bodies: dict[str, Any], rate: float = 20.0) -> None:
        self.serve, self.bodies, self.rate = serve, bodies, rate
        self.statuses: Counter[str] = Counter()
        # Each change of the answering version; while replicas follow one after another, both answer in turn.
        self.versions: dict[str, list[str]] = {name: [] for name in bodies}
        self.longest_s = 0.0  # between two good answers of a route
        self.refused: list[str] = []  # what else was answered: status, type, first characters
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[name, body], daemon=True)
            for name, body in bodies.items()
        ]

    def __enter__(self) -> RequestLoop:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2 * WAIT_S)

    def answers(self) -> int:
        """How many there were so far."""
        return self.statuses.total()

    def took_over(self, name: str, since: int = 0) -> list[str]:
        """Versions after the first `since` changes, by first answer; the last one gave the last answer."""
        seen = self.versions[name][since:]
        return [*(v for v in dict.fromkeys(seen) if v != seen[-1]), *seen[-1:]]

    def _run(self, name: str, body: Any) -> None:
        period, answered = len(self.bodies) / self.rate, time.monotonic()
        with httpx.Client(timeout=WAIT_S, trust_env=False) as client:
            while not self._stop.is_set():
                began = time.monotonic()
                if self._once(client, name, body):
                    now = time.monotonic()
                    self.longest_s = max(self.longest_s, now - answered)
                    answered = now
                self._stop.wait(max(0.0, period - (time.monotonic() - began)))

    def _once(self, client: httpx.Client, name: str, body: Any) -> bool:
        """Ask once; whether the answer was a prediction."""
        try:
            answer = client.post(f"{self.serve}/{name}", json=body)
        except httpx.HTTPError as error:
            self._note(type(error).__name__, f"/{name}: {error!r}")
            return False
        good = answer.status_code == httpx.codes.OK
        kind = answer.headers.get("Content-Type", "")
        told = "" if good else f"/{name}: {answer.status_code} {kind} {answer.text[:500]}"
        self._note(str(answer.status_code), told)
        version, seen = answer.headers.get("X-Model-Version", "none"), self.versions[name]
        if not seen or seen[-1] != version:
            seen.append(version)
        return good

    def _note(self, status: str, refusal: str) -> None:
        with self._lock:
            self.statuses[status] += 1
            if refusal:
                self.refused.append(refusal)
