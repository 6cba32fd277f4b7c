"""How HAProxy counts what it answers by itself: what prometheus/rules/slo.yml takes for a failure."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from asgi_server import asgi_server
from haproxy_written import haproxy, ray_writes
from local_ray import free_port
from ray.serve._private.common import RequestProtocol
from ray.serve._private.haproxy import (
    BackendConfig,
    HAProxyManager,
    ServerConfig,
)

from turo.serving.ingress.haproxy import amended
from turo.serving.ingress.haproxy_limits import limited

BUSY, GONE, TORN = "KNN", "SVR", "CatBoost"


async def replica(scope: Any, receive: Any, send: Any) -> None:
    """One that lives and whose queue is full; that of TORN ends between head and body of its answer."""
    if scope["path"].startswith(f"/{TORN}"):
        length = [(b"content-length", b"36")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        raise ConnectionError("ended between head and body")
    status = 200 if scope["path"] == "/-/healthz" else 503
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def backend(application: str, host: str, port: int) -> BackendConfig:
    """As Ray names and writes it."""
    manager: Any = HAProxyManager  # an actor's class, whose methods Ray wraps
    group = SimpleNamespace(protocol=RequestProtocol.HTTP, app_name=application)
    name = manager._generate_backend_name.__wrapped__(manager, group)
    servers = [ServerConfig("replica", host, port)]
    return BackendConfig(name, f"/{application}", app_name=application, servers=servers)


def test_it_counts_what_it_answers_itself_beside_what_replicas_do(tmp_path: Path) -> None:
    port, metrics = free_port(), free_port()
    path = tmp_path / "haproxy.cfg"
    with asgi_server(replica) as (host, behind):
        backends = [
            backend(BUSY, host, behind),
            backend(GONE, host, free_port()),
            backend(TORN, host, behind),
        ]
        written = ray_writes(tmp_path, {one.name: one for one in backends}, port, metrics)
        path.write_text(limited(amended(written), {}))
        counters = f"http://127.0.0.1:{metrics}/metrics"
        with haproxy(path, counters):
            told = {
                name: httpx.get(f"http://127.0.0.1:{port}/{name}/predict").text for name in (BUSY, GONE, TORN)
            }
            counted = httpx.get(counters).text
    assert told[BUSY] == ""
    assert "Model not reachable" in told[GONE]
    assert '"status":502' in told[TORN]

    def failed(whose: str, application: str) -> int:
        series = rf'haproxy_{whose}_http_responses_total{{proxy="http-{application}",.*code="5xx"}}'
        (found,) = re.findall(rf"(?m)^{series} (\d+)$", counted)
        return int(found)

    assert (failed("backend", BUSY), failed("server", BUSY)) == (1, 1)
    assert (failed("backend", GONE), failed("server", GONE)) == (1, 0)
    assert (failed("backend", TORN), failed("server", TORN)) == (1, 0)
