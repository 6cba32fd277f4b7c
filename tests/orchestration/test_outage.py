"""Airflow's API server is away for five minutes, at each request that a try of a task makes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import airflow_home  # noqa: F401 - before Airflow
import httpx
import pytest
import yaml
from airflow_home import REPOSITORY

OUTAGE_S, START_S = 300, 50  # it needs a while to start after that
TI, AT = uuid4(), datetime(2026, 11, 26, tzinfo=UTC)
PREFIX = "AIRFLOW__WORKERS__"


class Clock:
    """Time passes only while somebody waits."""

    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> dict[str, str]:
    """Airflow's client with the worker's settings, on that clock, with the shortest waits it may draw."""
    from airflow.configuration import conf
    from airflow.sdk.api.client import Client
    from tenacity import stop_after_attempt, wait_random_exponential

    services = yaml.safe_load(Path(REPOSITORY, "docker-compose.yml").read_text())["services"]
    environment = services["airflow_worker"]["environment"]
    given = {k.removeprefix(PREFIX).lower(): v for k, v in environment.items() if k.startswith(PREFIX)}
    assert all(conf.has_option("workers", name) for name in given)  # else Airflow would not read it
    shortest, longest = (float(given[f"execution_api_retry_wait_{end}"]) for end in ("min", "max"))
    waiting = Client.request.retry_with(
        stop=stop_after_attempt(int(given["execution_api_retries"])),
        wait=wait_random_exponential(min=shortest, max=longest),
        sleep=clock.sleep,
    )
    monkeypatch.setattr(Client, "request", waiting)
    monkeypatch.setattr(random, "uniform", min)
    return given


def refused(request: httpx.Request) -> httpx.Response:
    """Nobody listens."""
    raise httpx.ConnectError("refused", request=request)


def unable(request: httpx.Request) -> httpx.Response:
    """It listens, but its database does not yet."""
    return httpx.Response(503, json={"detail": "no database"}, request=request)


STEPS: dict[str, Callable[[Any], object]] = {
    "start": lambda client: client.patch(f"task-instances/{TI}/run", content="{}"),
    "variable": lambda client: client.variables.set("RAY_ADDRESS", "ray://ray:10001"),
    "heartbeat": lambda client: client.task_instances.heartbeat(TI, pid=7),
    "result": lambda client: client.xcoms.set("d", "r", "t", "run_id", "abc"),
    "success": lambda client: client.task_instances.succeed(TI, AT, [], [], None),
    "failure": lambda client: client.task_instances.finish(TI, "failed", AT, None),
    "retry": lambda client: client.task_instances.retry(TI, AT, None),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("away", [refused, unable])
@pytest.mark.parametrize("step", STEPS)
def test_a_request_waits_until_the_api_server_is_back(
    step: str, away: Callable[[httpx.Request], httpx.Response], clock: Clock
) -> None:
    from airflow.sdk.api.client import Client

    arrived: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if clock.now < OUTAGE_S + START_S:
            return away(request)
        arrived.append(request.url.path)
        return httpx.Response(200, json={"ok": True, "message": ""}, request=request)

    client = Client(base_url="http://airflow", token="t", transport=httpx.MockTransport(answer))
    STEPS[step](client)
    assert len(arrived) == 1
    assert OUTAGE_S + START_S <= clock.now < OUTAGE_S + START_S + 10


def test_an_api_server_that_stays_away_ends_the_try_after_a_while(
    patient: dict[str, str], clock: Clock
) -> None:
    from airflow.sdk.api.client import Client

    client = Client(base_url="http://airflow", token="t", transport=httpx.MockTransport(refused))
    with pytest.raises(httpx.ConnectError):
        STEPS["heartbeat"](client)
    assert clock.now == (int(patient["execution_api_retries"]) - 1) * float(
        patient["execution_api_retry_wait_min"]
    )
