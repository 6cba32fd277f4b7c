"""Is prepare faster on two Ray nodes than on one? Each node has one core of this machine to itself.

    python benchmarks/prepare_nodes.py            # 5,000 vehicles, 300,000 reservations
    python benchmarks/prepare_nodes.py --quick    # a small fleet, to see that it runs

The driver shares the first node's core, as it does on a one-node platform. Rounds with one node and with two
are interleaved on the same cluster: the second node comes and goes.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import prepare_fleet

from turo import settings
from turo.prepare.run import run

RAY = str(Path(sys.executable).parent / "ray")
COMMON = ["--block", "--disable-usage-stats", "--num-cpus=1", "--object-store-memory=500000000"]
JOIN_S = 60.0


@contextlib.contextmanager
def node(core: int, log: Path, *options: str) -> Iterator[None]:
    """A Ray node on one core."""
    with log.open("w") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), RAY, "start", *COMMON, *options],
            env={**os.environ, "RAY_AUTH_MODE": "disabled"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(nodes: int) -> None:
    """Until that many nodes are alive.

    Raises:
        TimeoutError: they are not.
    """
    import ray

    deadline = time.monotonic() + JOIN_S
    while sum(found["Alive"] for found in ray.nodes()) != nodes:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{nodes} node(s) expected: {ray.nodes()}")
        time.sleep(0.5)


def timed(folder: Path, nodes: int) -> float:
    """Seconds of one prepare."""
    wait_for(nodes)
    begin = time.perf_counter()
    run(settings.load(data_dir=str(folder), ray_address="auto"))
    return time.perf_counter() - begin


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    scale = 50 if options.quick else 1
    os.environ["RAY_AUTH_MODE"] = "disabled"
    os.sched_setaffinity(0, {0})
    import ray

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as place, contextlib.ExitStack() as running:
        folder = Path(place) / "datas"
        prepare_fleet.write(folder, 5_000 // scale, 300_000 // scale)
        head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={place}/ray"]
        running.enter_context(
            node(0, Path(place) / "head.log", *head, f"--ray-client-server-port={free_port()}")
        )
        deadline = time.monotonic() + JOIN_S
        while not ray.is_initialized():
            try:
                ray.init(address=f"127.0.0.1:{port}", log_to_driver=False, logging_level=logging.ERROR)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
        running.callback(ray.shutdown)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for number in range(options.rounds + 1):  # the first is for warming up
            one = timed(folder, 1)
            with node(1, Path(place) / "second.log", f"--address=127.0.0.1:{port}"):
                timed(folder, 2)  # its workers start
                two = timed(folder, 2)
            if number:
                seconds[1].append(one)
                seconds[2].append(two)
    medians = {count: statistics.median(found) for count, found in seconds.items()}
    print(f"one node   {medians[1]:8.2f} s\ntwo nodes  {medians[2]:8.2f} s")
    print(f"two nodes are {medians[1] / medians[2]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
