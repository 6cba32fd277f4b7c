"""HAProxy's configuration as Ray writes it, before it is amended."""

from __future__ import annotations

from pathlib import Path

from local_ray import free_port
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig
from ray.serve.config import HTTPOptions


def ray_writes(folder: Path, backends: dict[str, BackendConfig], port: int = 8000, metrics: int = 0) -> str:
    """The configuration that Ray's own template makes in a folder.

    Args:
        port: of the routes.
        metrics: port of the counters; 0 = any that is free.
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
    )
    HAProxyApi(config, backends, str(folder / "haproxy.cfg"))._generate_config_file_internal()
    return (folder / "haproxy.cfg").read_text()
