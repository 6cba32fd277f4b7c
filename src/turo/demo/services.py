"""The demo's two services: an MLflow server as a child process, a local Ray with Serve behind HAProxy."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from turo.cluster.local_ray import start
from turo.errors import ServiceError
from turo.patience import Patience
from turo.settings import Settings

START_DEADLINE_S = 120.0
STOP_S = 15.0
# No balancer of other machines to wait for, which is 30 s by default: Ctrl-C is answered at once.
ENDS_AT_ONCE = {"RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0"}

logger = logging.getLogger(__name__)


def free_port(preferred: int) -> int:
    """The preferred port of the loopback interface where it is free, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceError("No port of the loopback interface is free.", "End programs that listen there.")


@contextmanager
def tracking_server(settings: Settings, log: Path) -> Iterator[None]:
    """Run `mlflow server` until the block ends; its output goes to the log.

    Raises:
        ServiceError: it ended or did not answer in time.
    """
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", settings.backend_uri,
        "--artifacts-destination", settings.artifact_root, "--serve-artifacts",
        "--host", "127.0.0.1", "--port", str(settings.tracking_port), "--workers", "1",
    ]  # fmt: skip
    with log.open("ab") as output:
        # A session of its own: Ctrl-C in the terminal must not end the server before those who use it.
        # The rest of the environment holds what MLflow reads beside its options.
        server = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )  # fmt: skip
    try:
        _wait_until_healthy(server, settings.mlflow_tracking_uri, log)
        yield
    finally:
        _end(server)


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    import httpx

    def healthy() -> bool:
        if server.poll() is not None:
            raise ServiceError(
                f"MLflow ended with exit code {server.returncode}.", f"Its output is in {log}."
            )
        try:
            return httpx.get(f"{address}/health", trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    if not Patience(0.2, START_DEADLINE_S).poll(healthy):
        raise ServiceError(f"MLflow at {address} did not answer in {START_DEADLINE_S:.0f} s.", f"See {log}.")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, then insist."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(STOP_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


@contextmanager
def local_ray(settings: Settings) -> Iterator[str]:
    """A local cluster with Serve listening, until the block ends; gives the address of its dashboard."""
    from turo.serving.ingress.node import SHARED_PORTS, serve_node_environment

    ports = {name: free_port(usual) for name, usual in SHARED_PORTS.items()}
    with tempfile.TemporaryDirectory(prefix="turo-haproxy-", ignore_cleanup_errors=True) as folder:
        # before Ray's processes inherit the environment
        os.environ.update(serve_node_environment(Path(folder), ports=ports) | ENDS_AT_ONCE)
        import ray
        from ray import serve

        dashboard = start(include_dashboard=True, dashboard_host="127.0.0.1")
        try:
            serve.start(
                proxy_location="HeadOnly",
                http_options={"host": settings.ray_http_host, "port": settings.ray_http_port},
            )
            yield dashboard
        finally:
            _in_time(serve.shutdown, "Serve")
            _in_time(ray.shutdown, "Ray")


def _in_time(end: Callable[[], None], name: str) -> None:
    """Call what may wait for a dead process for ever; what it leaves running, the demo's guard ends."""
    done = threading.Event()

    def call() -> None:
        try:
            end()
        except Exception:
            logger.warning("%s did not end orderly", name, exc_info=True)
        finally:
            done.set()

    threading.Thread(target=call, daemon=True, name=f"end {name}").start()
    if not done.wait(STOP_S):
        logger.warning("%s did not end within %.0f s", name, STOP_S)
