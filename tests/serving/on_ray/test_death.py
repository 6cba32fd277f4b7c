"""On a real Ray, behind its proxy: replicas are killed under load and nobody notices; jobs come behind."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from request_loop import RequestLoop
from serving_stack import PATIENTLY, Stack, living, until

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_death_of_any_replica_is_not_felt(running: Stack) -> None:
    until("every replica runs", lambda: len(replicas(running)) >= running.settings.serve_min_replicas)
    with RequestLoop(running.url, {"B": running.example("B")}, rate=50) as loop:
        for number in range(3):
            count = sum(loop.statuses.values())
            until("requests flow", lambda c=count: sum(loop.statuses.values()) > c + 50)  # type: ignore[misc]
            gone = replicas(running)[number % 2]
            os.kill(gone, signal.SIGKILL)
            until("it is replaced", lambda g=gone: len(set(replicas(running)) - {g}) >= 2)  # type: ignore[misc]
    lost = sum(count for status, count in loop.statuses.items() if status != "200")
    print(f"three kills: {lost} of {sum(loop.statuses.values())} lost, longest gap {loop.longest_s:.2f} s")
    assert lost <= 2, (loop.statuses, loop.refused)
    assert all("problem+json" in answer and "request_id" in answer for answer in loop.refused), loop.refused


def test_where_all_replicas_die_at_once_it_is_told_as_a_problem(running: Stack) -> None:
    with RequestLoop(running.url, {"B": running.example("B")}, rate=50) as loop:
        until("requests flow", lambda: sum(loop.statuses.values()) > 50)
        for pid in (gone := replicas(running)):
            os.kill(pid, signal.SIGKILL)
        until("they are replaced", lambda: len(set(replicas(running)) - set(gone)) >= 2)
        count = loop.statuses["200"]
        until("requests flow again", lambda: loop.statuses["200"] > count + 50)
    print(f"all replicas killed: {dict(loop.statuses)}, longest gap {loop.longest_s:.2f} s, {loop.refused}")
    # Those under way at a replica that is not asked anew are closed without a word, as HTTP has it.
    told = [answer for answer in loop.refused if "RemoteProtocolError" not in answer]
    assert len(loop.refused) - len(told) <= 2, loop.refused
    assert all("problem+json" in answer and "request_id" in answer for answer in told), loop.refused


def test_the_routes_come_back_after_the_death_of_the_proxy(running: Stack) -> None:
    with RequestLoop(running.url, {"B": running.example("B")}, rate=50) as loop:
        for title in ("haproxy", "ray::HAProxyManager"):
            count = loop.statuses["200"]
            until("requests flow", lambda c=count: loop.statuses["200"] > c + 50)  # type: ignore[misc]
            gone = newest(title, running)
            assert gone is not None, title
            os.kill(gone, signal.SIGKILL)
            until("another is there", lambda t=title, g=gone: newest(t, running) not in (g, None))  # type: ignore[misc]
            count = loop.statuses["200"]
            until("requests flow again", lambda c=count: loop.statuses["200"] > c + 50)  # type: ignore[misc]
            print(f"{title} killed: longest gap so far {loop.longest_s:.1f} s")


def test_what_serves_waits_for_nobody(running: Stack) -> None:
    found: dict[tuple[str, int], int] = {}
    for title in ("ray::ServeReplica:B", "ray::ServeController", "ray::HAProxyManager", "haproxy"):
        for _, pid in living(title, running):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
                found[title, pid] = _niceness(pid)
        assert any(named == title for named, _ in found), title
    assert set(found.values()) == {_niceness(os.getpid())}, found  # that of whoever started Ray, no more


def newest(title: str, running: Stack) -> int | None:
    """The process of this title that started last: not one that still ends after a reload."""
    found = living(title, running)
    return found[-1][1] if found else None


def replicas(running: Stack) -> list[int]:
    """Processes of the model that Serve has as running."""
    headers = {"Authorization": f"Bearer {running.settings.token()}"}
    address = f"{running.settings.ray_dashboard_url}/api/serve/applications/"
    deployments = httpx.get(address, headers=headers, **PATIENTLY).json()["applications"]["B"]["deployments"]
    return sorted(r["pid"] for r in deployments["Model"]["replicas"] if r["state"] == "RUNNING")


def _niceness(pid: int) -> int:
    """The 19th field of proc(5), counted behind the name, which may hold anything."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])
