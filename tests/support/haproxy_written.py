"""HAProxy's configuration as Ray writes it, before it is amended, and the real program that runs by one."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from local_ray import free_port
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, get_haproxy_binary
from ray.serve.config import HTTPOptions
from serving_stack import until


def ray_writes(
    folder: Path, backends: dict[str, BackendConfig], port: int = 8000, metrics: int = 0, **settings: Any
) -> str:
    """The configuration that Ray's own template makes in a folder.

    Args:
        port: of the routes.
        metrics: port of the counters; 0 = any that is free.
        settings: of Ray's HAProxyConfig, in place of what the environment says.
    """
    config = HAProxyConfig(
        http_options=HTTPOptions(host="127.0.0.1", port=port),
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        metrics_socket_path=str(folder / "metrics.sock"),
        metrics_port=metrics or free_port(),
        stats_port=free_port(),
        is_head=True,
        **settings,
    )
    HAProxyApi(config, backends, str(folder / "haproxy.cfg"))._generate_config_file_internal()
    return (folder / "haproxy.cfg").read_text()


@contextlib.contextmanager
def haproxy(configuration: Path, ready: str) -> Iterator[None]:
    """The program while it runs by a configuration, from the moment an address of it answers 200."""
    command = [get_haproxy_binary(), "-db", "-f", str(configuration)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until("the proxy answers", lambda: httpx.get(ready).status_code == 200, 30)
            yield
        finally:
            process.terminate()
