"""Reads request bodies with limits of time and memory, before their requests take a place in the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from turo.serving.http.problems import Problem, too_slow
from turo.settings import Settings

FULL_BODIES = 16  # how many of the longest allowed may be held at once, counted in bytes

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class DisconnectedError(Exception):
    """The caller went away before its request was whole: there is nobody to answer."""


async def collect(
    receive: Receive, most: int, came: Callable[[int], None] | None = None
) -> tuple[bytes, bool]:
    """A request's body, and whether more of it is to come.

    Args:
        receive: ASGI's.
        most: bytes after which reading ends: who asked for no more than this refuses what is longer.
        came: told the size of each part.

    Raises:
        DisconnectedError: the caller left.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if came:
            came(len(part))
        more = message.get("more_body", False)
    return (parts[0] if len(parts) == 1 else b"".join(parts)), more


async def in_time(receive: Receive, most: int, timeout_s: float) -> tuple[bytes, bool]:
    """As `collect`.

    Raises:
        Problem: 408, the body did not come in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await collect(receive, most)
    except TimeoutError:
        raise too_slow(f"The body did not come within {timeout_s:g} s; send it at once.") from None


@dataclass(eq=False, slots=True)
class Wait:
    """One body under way."""

    client: str
    limit: asyncio.Timeout
    size: int = 0


class Waiting:
    """All bodies that are on their way to one process.

    Args:
        timeout_s: until 408.
        each: bodies that one client may have under way. Beyond that the one which has waited longest is given
            up: a body that comes at once is never it, whoever shares the caller's address.
        most: bytes of all bodies together; beyond that the same happens to the longest waiting of all.
        longest: bytes of one body that are held here.
    """

    def __init__(self, timeout_s: float, each: int, most: int, longest: int) -> None:
        self.timeout_s, self.each, self.most, self.longest = timeout_s, each, most, longest
        self.waits: dict[Wait, None] = {}  # in the order in which they came
        self.clients: dict[str, dict[Wait, None]] = {}
        self.size = 0

    @classmethod
    def of(cls, settings: Settings) -> Waiting:
        """As the settings of this process say."""
        longest = settings.serve_max_bytes
        return cls(settings.serve_body_timeout_s, settings.serve_max_waiting, FULL_BODIES * longest, longest)

    async def whole(self, client: str, receive: Receive) -> tuple[bytes, bool]:
        """The body, and whether more of it follows because it is longer than allowed.

        Raises:
            Problem: 408, it came too slowly.
            DisconnectedError: the caller left.
        """
        wait = None
        try:
            async with asyncio.timeout(self.timeout_s) as limit:
                wait = self.enter(client, limit)
                return await collect(receive, self.longest, lambda size: self.came(wait, size))
        except TimeoutError:
            raise too_slow(f"The body did not come within {self.timeout_s:g} s, or others of this client "
                           "came in the meantime; send it at once.") from None  # fmt: skip
        finally:
            if wait:
                self.leave(wait)
                self.size -= wait.size

    def enter(self, client: str, limit: asyncio.Timeout) -> Wait:
        """Note a body that begins."""
        wait = Wait(client, limit)
        mine = self.clients.setdefault(client, {})
        self.waits[wait] = mine[wait] = None
        if len(mine) > self.each:
            self.give_up(next(iter(mine)))
        return wait

    def came(self, wait: Wait, size: int) -> None:
        """Note that a part of a body came."""
        wait.size += size
        self.size += size
        if self.size > self.most and self.waits:
            self.give_up(next(iter(self.waits)))

    def give_up(self, wait: Wait) -> None:
        """End one: its own task answers 408."""
        self.leave(wait)
        if not wait.limit.expired():  # else its task is about to answer already
            wait.limit.reschedule(asyncio.get_running_loop().time())

    def leave(self, wait: Wait) -> None:
        """Forget one that has ended."""
        self.waits.pop(wait, None)
        mine = self.clients.get(wait.client, {})
        mine.pop(wait, None)
        if not mine:
            self.clients.pop(wait.client, None)


def refuse_longer(size: int, most: int) -> None:
    """Refuse a body that is longer than allowed.

    Raises:
        Problem: 413.
    """
    if size > most:
        raise Problem(413, f"The body is larger than {most} bytes; send fewer rows at once.")
