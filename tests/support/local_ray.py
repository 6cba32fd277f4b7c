"""A real Ray head with token authentication, one for the whole test session, and a way to cut its line."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOKEN = "a-token-for-tests-0123456789"


@dataclass(frozen=True)
class LocalRay:
    """Where the head listens."""

    url: str
    client: str
    token: str = TOKEN


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(config: pytest.Config) -> LocalRay:
    """Start the head on first use; it ends with the session."""
    return _start(config)


@cache
def _start(config: pytest.Config) -> LocalRay:
    # Ray gives its own processes 30 s, which is not enough on a machine that does much else.
    for _ in range(4):
        if (found := _try_to_start(config)) is not None:
            return found
    raise AssertionError("Ray did not start four times; is this machine very busy?")


def _try_to_start(config: pytest.Config) -> LocalRay | None:
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short: it holds Unix sockets
    (folder / "token").write_text(TOKEN)
    log, dashboard, client = folder / "head.log", free_port(), free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "AIRFLOW"))}
    environment |= {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # as the containers' nodes
        # Jobs find the stand-in of the turo command before the real one.
        "PATH": os.pathsep.join([f"{HERE}/bin", str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    arguments = f"--head --block --num-cpus=1 --port={free_port()} --ray-client-server-port={client}"
    arguments += f" --include-dashboard=true --dashboard-host=127.0.0.1 --dashboard-port={dashboard}"
    arguments += f" --dashboard-agent-listen-port=0 --object-store-memory=100000000 --temp-dir={folder}"
    with log.open("w") as output:
        head = subprocess.Popen(
            ["ray", "start", "--disable-usage-stats", *arguments.split()],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def stop() -> None:
        # Ray's processes stay in the group of the one that started them; `ray stop` would end other Rays too.
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(head.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                head.wait(10)
        shutil.rmtree(folder, ignore_errors=True)

    config.add_cleanup(stop)
    while "Ray runtime started" not in log.read_text():
        if head.poll() is not None:
            sys.stderr.write(log.read_text())
            stop()
            return None
        time.sleep(0.3)
    return LocalRay(f"http://127.0.0.1:{dashboard}", f"ray://127.0.0.1:{client}")


class Relay:
    """Forwards a port of its own to a real service; `cut` refuses and drops everything, `mend` restores."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def mend(self) -> None:
        """Listen again."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Close the port and every connection through it."""
        sockets, self._open = [self._listener, *self._open], []
        for one in sockets:
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(target: str) -> Iterator[Relay]:
    """A relay that is not yet mended, and is cut at the end."""
    one = Relay(target)
    try:
        yield one
    finally:
        one.cut()
