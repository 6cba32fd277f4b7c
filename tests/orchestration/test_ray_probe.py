"""The probe of ray_integration over a real Ray Client connection."""

from __future__ import annotations

import logging
import os
import platform
import signal
import threading
from importlib import metadata
from pathlib import Path

import airflow_home
import pytest
from airflow_home import DAGS
from local_ray import LocalRay, free_port

from turo.errors import ConfigError, ServiceError
from turo.orchestration.ray_probe import probe

pytestmark = pytest.mark.ray


def test_the_dag_reports_every_node_with_its_versions(
    ray_variables: LocalRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", ray_variables.client)
    run = airflow_home.run(DAGS, "ray_integration")
    assert run.state == "success"
    report = run.xcom("probe_nodes")
    here = {"ray": metadata.version("ray"), "python": platform.python_version()}
    assert report["client"] == here
    (node,) = report["nodes"]
    assert {key: node[key] for key in here} == here
    assert len(node["node_id"]) == 56
    assert node["host"] == platform.node()
    assert run.xcom("compare_versions").startswith("1 nodes with Ray")


def test_a_wrong_token_is_reported_in_rays_own_words(
    ray_variables: LocalRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong-token-wrong-token")
    with pytest.raises(ServiceError, match=r"(?i)could not use ray://.*(auth|token)"):
        probe(ray_variables.client)


def test_a_cluster_that_is_not_there_is_an_error_within_the_deadline() -> None:
    address = f"ray://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError, match=f"{address} did not answer within 3 s.*RAY_ADDRESS"):
        probe(address, deadline_s=3)


def test_a_client_server_that_dies_as_it_starts_is_asked_again(
    ray_variables: LocalRay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", ray_variables.token)
    older, over = set(client_servers()), threading.Event()
    killed: list[int] = []

    def kill_the_first() -> None:
        while not over.wait(0.02):
            for pid in set(client_servers()) - older:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return

    killer = threading.Thread(target=kill_the_first, daemon=True)
    killer.start()
    try:
        with caplog.at_level(logging.WARNING):
            report = probe(ray_variables.client)
    finally:
        over.set()
        killer.join()
    assert len(killed) == 1
    assert len(report["nodes"]) == 1
    assert "died as it started (try 1 of 5)" in caplog.text


def client_servers() -> list[int]:
    """The processes in which Ray serves one client each."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:  # it has ended since
            continue
        if b"ray.util.client.server" in words and b"--mode=specific-server" in words:
            found.append(int(file.parent.name))
    return found


def test_an_address_that_is_not_one_of_ray_client_is_refused() -> None:
    with pytest.raises(ConfigError, match="ray://HOST:10001"):
        probe("http://ray:8265")
