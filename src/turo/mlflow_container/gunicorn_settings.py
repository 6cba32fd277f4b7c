"""Gunicorn settings of the MLflow server: `--config python:turo.mlflow_container.gunicorn_settings`.

MLflow exposes its metrics at `/metrics` and has no option to move them; here they are at
`/mlflow-metrics` as well, through the same host check, and without a login where MLflow has one:
Prometheus has none, and the proxy in front hands that path to nobody. Its exporter must also be told
when a worker ends, or that worker's gauges stay. Connections live longer than Gunicorn would let them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from turo import settings as settings_module
from turo.registry.mlflow_login import mlflow_login

# Gunicorn would close after 2 s what a training or the gate leaves idle while it works, and now and then at
# the very moment of the next request, which is then reset.
keepalive = 75  # seconds
# Whoever is idle must not hold up the end of the server beyond Docker's patience.
graceful_timeout = 10  # seconds

METRICS_PATH = "/mlflow-metrics"
MLFLOW_PATH = "/metrics"

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def with_metrics_path(application: Application, login: Mapping[str, str]) -> Application:
    """Wrap a WSGI application so that `METRICS_PATH` answers with what it has at `MLFLOW_PATH`.

    Args:
        login: headers by which the application lets that request in.
    """
    let_in = {f"HTTP_{name.upper()}": value for name, value in login.items()}

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == METRICS_PATH:
            environ |= {"PATH_INFO": MLFLOW_PATH, **let_in}
        return application(environ, start_response)

    return answer


def post_worker_init(worker: Any) -> None:
    """Gunicorn's hook after a worker has loaded the application."""
    worker.wsgi = with_metrics_path(worker.wsgi, mlflow_login(settings_module.load()))


def child_exit(_server: Any, worker: Any) -> None:
    """Gunicorn's hook in the parent after a worker has ended."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
