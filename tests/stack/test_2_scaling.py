"""On an added node: the probe sees it, replicas follow the load onto it; when it goes the route stays."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, wait_for
from request_loop import RequestLoop

pytestmark = [pytest.mark.stack, pytest.mark.long]
NAME = "XGBoost"
# So many rows that the replicas, not these clients, are what is waited for, however busy the machine is: else
# too few requests are under way for one more replica.
CLIENTS, ROWS = 64, 1000


def scale(stack: Stack, workers: int, *more: str) -> None:
    """Have so many nodes beside Ray's head."""
    stack.compose("up", "-d", *more, "--no-recreate", "--scale", f"ray-worker={workers}", "ray-worker")


@pytest.fixture(scope="module")
def added_node(stack: Stack) -> Iterator[None]:
    """A node beside the head for all tests of this file."""
    scale(stack, 1, "--wait")
    yield
    scale(stack, 0)


def nodes_of_replicas(stack: Stack) -> list[str]:
    """The node of each running replica of the model."""
    token = stack.execute("ray", "cat", "/run/secrets/ray/token").strip()
    url = f"{stack.url('ray', 8265)}/api/serve/applications/"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).raise_for_status()
    (deployment,) = answer.json()["applications"][NAME]["deployments"].values()
    return [one["node_id"] for one in deployment["replicas"] if one["state"] == "RUNNING"]


@pytest.mark.usefixtures("added_node")
def test_ray_integration_runs_on_two_nodes(airflow: AirflowApi) -> None:
    run = airflow.trigger("ray_integration", {})
    assert airflow.wait("ray_integration", run, timeout=600) == "success", airflow.explain(
        "ray_integration", run
    )
    report = airflow.xcom("ray_integration", run, "probe_nodes")
    assert len({node["node_id"] for node in report["nodes"]}) == 2
    assert {node["ray"] for node in report["nodes"]} == {"2.60.0"}


@pytest.mark.usefixtures("added_node")
def test_replicas_grow_with_the_load_onto_an_added_node(
    stack: Stack, serve: str, examples: dict[str, Any]
) -> None:
    (row,) = examples[NAME]["inputs"]
    body = json.dumps({"inputs": [row] * ROWS}).encode()
    statuses: Counter[int | str] = Counter()
    stop = Event()

    def ask(_: int) -> None:
        with httpx.Client(timeout=60) as client:
            while not stop.is_set():
                try:
                    answer = client.post(
                        f"{serve}/{NAME}", content=body, headers={"Content-Type": "application/json"}
                    )
                    statuses[answer.status_code] += 1
                except httpx.HTTPError as error:
                    statuses[repr(error)] += 1

    def spread() -> bool:
        nodes = nodes_of_replicas(stack)
        assert len(set(nodes)) == 2, (nodes, statuses)
        return True

    assert len(set(nodes_of_replicas(stack))) == 1
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(ask, number) for number in range(CLIENTS)]
        try:
            wait_for("replicas on two nodes", spread, 240, 2)
        finally:
            stop.set()
    assert [one.exception() for one in asked] == [None] * CLIENTS
    figures["load to a replica on an added node"] = f"{time.monotonic() - began:.0f} s"
    assert set(statuses) == {200}, statuses

    with RequestLoop(serve, {NAME: examples[NAME]}) as loop:
        scale(stack, 0)
        wait_for("all replicas on the head", lambda: len(set(nodes_of_replicas(stack))) == 1, 120, 2)
    figures["requests while a node with a replica went away"] = str(dict(loop.statuses))
    assert httpx.post(f"{serve}/{NAME}", json=examples[NAME], timeout=30).status_code == 200
