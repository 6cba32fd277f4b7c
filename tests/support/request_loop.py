"""Steady requests in the background, every answer kept, to show that a change of model is not felt."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from itertools import pairwise
from typing import Any

import httpx

WAIT_S = 60.0  # longer than the routes take to say that they are too slow


class RequestLoop:
    """Post `bodies` to `{serve}/{name}` at a bounded rate until the `with` block ends.

    Each route has clients of its own: one that hangs does not spare the others their requests. A client asks
    again only once it was answered, so that slow routes are asked less often than `rate`.

    Args:
        serve: address of Ray Serve's ingress.
        bodies: one valid body a route name.
        rate: requests a second, all routes together; at most.
        clients: of each route, a thread each.
    """

    def __init__(self, serve: str, bodies: dict[str, Any], rate: float = 20.0, clients: int = 1) -> None:
        self.serve, self.bodies = serve, bodies
        self._period = len(bodies) * clients / rate  # of one client
        self.statuses: Counter[str] = Counter()
        # Each change of the answering version; while replicas follow one after another, both answer in turn.
        self.versions: dict[str, list[str]] = {name: [] for name in bodies}
        self.longest_s = 0.0  # between two good answers of a route
        self.refused: list[str] = []  # what else was answered: status, type, first characters
        self._good: dict[str, list[float]] = {}  # moments of good answers, by route; the first: of the start
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[number, name], daemon=True)
            for number, name in enumerate(list(bodies) * clients)
        ]
        # When each client put the newest of its requests that a prediction answered.
        self._begun = [float("-inf")] * len(self._threads)

    def __enter__(self) -> RequestLoop:
        self._good = {name: [time.monotonic()] for name in self.bodies}
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

    def so_far(self) -> Counter[str]:
        """How often each status was answered so far; a copy."""
        with self._lock:
            return Counter(self.statuses)

    def all_served_since(self, moment: float) -> bool:
        """Whether every client put a request after `moment` that a prediction answered.

        Until then an answer may come to a request of before it.

        Args:
            moment: of `time.monotonic()`.
        """
        return all(begun > moment for begun in list(self._begun))

    def longest_gap(self, since: float) -> float:
        """The most seconds from `since` until now in which some route gave no good answer."""
        now = time.monotonic()
        with self._lock:
            ends = [[since, *times[bisect_left(times, since) :], now] for times in self._good.values()]
        return max((later - earlier for times in ends for earlier, later in pairwise(times)), default=0.0)

    def took_over(self, name: str, since: int = 0) -> list[str]:
        """Versions after the first `since` changes, by first answer; the last one gave the last answer."""
        seen = self.versions[name][since:]
        return [*(v for v in dict.fromkeys(seen) if v != seen[-1]), *seen[-1:]]

    def _run(self, number: int, name: str) -> None:
        self._stop.wait(number * self._period / len(self._threads))  # not all of them at once
        with httpx.Client(timeout=WAIT_S, trust_env=False) as client:
            while not self._stop.is_set():
                began = time.monotonic()
                if self._once(client, name):
                    self._begun[number] = began
                    with self._lock:
                        now = time.monotonic()
                        self.longest_s = max(self.longest_s, now - self._good[name][-1])
                        self._good[name].append(now)
                self._stop.wait(max(0.0, self._period - (time.monotonic() - began)))

    def _once(self, client: httpx.Client, name: str) -> bool:
        """Ask once; whether the answer was a prediction."""
        try:
            answer = client.post(f"{self.serve}/{name}", json=self.bodies[name])
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
