"""The environment of a Ray node that serves: HAProxy as ingress, user code in the replica's own loop."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from turo.cluster import priority

# Measured (benchmarks/serving_peers.py): five to ten times the requests of Serve's default proxy.
FAST_PATH = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE": "1000",
    "RAY_SERVE_LOG_TO_STDERR": "0",
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    # On a busy machine the proxy needs longer than 5 s for its first answer, and would be started anew.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    # A dead proxy is replaced after three checks in vain; nothing answers meanwhile.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "3",
    # A prediction may be asked twice: a replica that dies under a request is not noticed by its caller,
    # as long as the proxy still holds the whole request: up to this many bytes.
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
    "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": "65536",
    # The first request that finds a replica dead takes it out; health checks bring one back.
    "RAY_SERVE_HAPROXY_OBSERVE_ERROR_LIMIT": "1",
    "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "2s",
    # Answers before jobs: Ray's workers, which replicas and proxies are, would start at 15.
    "RAY_worker_niceness": str(priority.SERVING),
    # Requests to /v2 go from the catalog to the models; SERVE_MAX_BYTES is the limit, not gRPC's 4 MB.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": "2147483647",
    # Around every application: a header that is not UTF-8 would end in a bare 500 of Serve's.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "turo.serving.http.before_queue:middlewares",
}
# What Ray does many times a second though nothing happens: at a slower pace, or not at all.
PACE = {
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "5000",
    "RAY_event_stats": "0",  # how long each of its own handlers took, for nobody
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "LOG_NAME_UPDATE_INTERVAL_S": "1",
    "REPORTER_UPDATE_INTERVAL_MS": "10000",
}
# Fixed by Ray, one each on a machine: HAProxy's two own, and those of the proxy behind it.
# The latter are shared without an error (SO_REUSEPORT): two clusters then answer for each other.
SHARED_PORTS = {
    "RAY_SERVE_HAPROXY_METRICS_PORT": 9101,
    "RAY_SERVE_HAPROXY_STATS_PORT": 8404,
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": 8500,
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": 9500,
}
REPLICA_PORTS = {  # offsets from the first port
    "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": 10,
    "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": 499,
    "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": 500,
    "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": 999,
}


def serve_node_environment(
    folder: Path, first_port: int = 0, ports: Mapping[str, int] | None = None
) -> dict[str, str]:
    """What the processes of a local cluster must inherit; to be set before Ray starts.

    Args:
        folder: for HAProxy's files, of this cluster alone; short, for it holds Unix sockets. Gets the script
            that starts the proxy.
        first_port: where this cluster's 1,000 ports begin; 0 = Ray's defaults.
        ports: other values for some of SHARED_PORTS.
    """
    proxy = folder / "haproxy"
    proxy.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m turo.serving.ingress.haproxy "$@"\n')
    proxy.chmod(0o755)
    environment = {
        **FAST_PATH,
        **PACE,
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(proxy),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
    }
    if first_port:
        offsets = {name: number for number, name in enumerate(SHARED_PORTS)} | REPLICA_PORTS
        environment |= {name: str(first_port + offset) for name, offset in offsets.items()}
    environment |= {name: str(port) for name, port in (ports or {}).items()}
    return environment
