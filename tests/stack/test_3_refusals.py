"""What the stack must not do for a stranger without a token, a password or the right host name."""

from __future__ import annotations

import httpx
import pytest
from compose_stack import Stack

pytestmark = pytest.mark.stack


def test_every_published_port_is_on_loopback(stack: Stack) -> None:
    for container in stack.containers():
        for publisher in container.get("Publishers") or []:
            assert publisher["PublishedPort"] == 0 or publisher["URL"] == "127.0.0.1", container["Service"]


def test_databases_are_not_published(stack: Stack) -> None:
    for service in ("postgres", "redis"):
        assert all(
            not p["PublishedPort"]
            for c in stack.containers()
            if c["Service"] == service
            for p in c["Publishers"] or []
        )


def test_airflow_wants_a_token(stack: Stack) -> None:
    url = stack.url("airflow_api-server", 8080)
    assert httpx.get(f"{url}/api/v2/dags", timeout=30).status_code == 401
    assert (
        httpx.post(
            f"{url}/auth/token", json={"username": "admin", "password": "wrong"}, timeout=30
        ).status_code
        == 401
    )
    assert httpx.get(f"{url}/api/v2/monitor/health", timeout=30).status_code == 200


def test_worker_holds_neither_database_nor_signing_secret(stack: Stack) -> None:
    environment = stack.execute("airflow_worker", "env")
    files = stack.execute("airflow_worker", "find", "/run/secrets", "-type", "f")
    assert "SQL_ALCHEMY_CONN" not in environment
    assert "JWT_SECRET" not in environment
    assert "jwt" not in files


def test_ray_wants_its_token(stack: Stack) -> None:
    url = stack.url("ray", 8265)
    body = {"entrypoint": "true"}
    assert httpx.post(f"{url}/api/jobs/", json=body, timeout=30).status_code == 401
    assert httpx.post(
        f"{url}/api/jobs/", json=body, headers={"Authorization": "Bearer wrong"}, timeout=30
    ).status_code in (401, 403)
    assert httpx.get(f"{url}/api/serve/applications/", timeout=30).status_code == 401


def test_mlflow_refuses_a_foreign_host(stack: Stack) -> None:
    url = stack.url("mlflow", 5000)
    assert httpx.get(f"{url}/api/2.0/mlflow/experiments/search?max_results=1", timeout=30).status_code == 200
    refused = httpx.get(
        f"{url}/api/2.0/mlflow/experiments/search?max_results=1", headers={"Host": "evil.example"}, timeout=30
    )
    assert refused.status_code == 403


def test_jupyter_refuses_without_the_token(stack: Stack) -> None:
    url = stack.url("jupyter", 8888)
    assert httpx.get(f"{url}/api/contents", timeout=30).status_code == 403
    token = stack.execute("jupyter", "cat", "/run/secrets/jupyter/token").strip()
    assert len(token) >= 32
    assert (
        httpx.get(f"{url}/api/contents", headers={"Authorization": f"token {token}"}, timeout=30).status_code
        == 200
    )
    assert token in stack.logs("jupyter", 500)


def test_containers_are_confined(stack: Stack) -> None:
    for container in stack.containers():
        for facts in stack.inspect(container["Service"]):
            name, host = facts["Name"], facts["HostConfig"]
            assert "no-new-privileges:true" in (host["SecurityOpt"] or []), name
            assert host["CapDrop"] == ["ALL"], name
            assert host["Memory"] > 0, name
            assert host["PidsLimit"], name
            assert container["Service"] == "bootstrap" or facts["Config"]["User"] not in ("", "root", "0"), (
                name
            )
            assert not any("docker.sock" in mount["Source"] for mount in facts["Mounts"]), name
