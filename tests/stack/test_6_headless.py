"""The small file for headless checks: Airflow's API server on PostgreSQL and Redis, nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def headless(built: Stack) -> Iterator[Stack]:
    small = Stack(
        built.folder,
        "turo-headless-test",
        {"AIRFLOW_PORT": "28080", "TURO_TAG": "stack-test"},
        "docker-compose.test.yml",
    )
    small.down("-v")
    figures["headless up"] = f"{small.up('--build'):.0f} s"
    yield small
    small.down("-v")


def test_only_what_it_promises(headless: Stack) -> None:
    running = {container["Service"] for container in headless.containers() if container["State"] == "running"}
    assert running == {"airflow_api-server", "postgres", "redis"}


def test_the_api_answers_for_the_admin(headless: Stack) -> None:
    url = headless.url("airflow_api-server", 8080)
    health = httpx.get(f"{url}/api/v2/monitor/health", timeout=30).json()
    assert health["metadatabase"]["status"] == "healthy"
    assert AirflowApi(url, "admin", "admin").get("/version")["version"] == "3.3.2"
