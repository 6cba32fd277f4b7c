"""Run a small task on every node of a Ray cluster over Ray Client and report who answered.

Ray Client does not survive in Celery's forked workers, so it lives in a process of its own: `probe` starts
`python -m turo.orchestration.ray_probe ADDRESS` and reads its last line.
"""

from __future__ import annotations

import itertools
import json
import logging
import platform
import subprocess
import sys
import time
from typing import Any

from turo.errors import ConfigError, ServiceError
from turo.patience import Patience

logger = logging.getLogger(__name__)

DEADLINE_S = 180
MARK = "RAY_PROBE "
# Ray starts a server for each client by a fork beside gRPC's threads, and some of them die at once (7 % of
# them by ray-project/ray#63202, more on a busy machine). Nothing has run by then, so asking again is safe.
STILLBORN = "ConnectionAbortedError: Initialization failure from server"
ATTEMPTS = 5


def probe(address: str, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
    """Ask every node of the cluster at `address` (`ray://HOST:10001`).

    Returns:
        `client`: {ray, python} here; `nodes`: one {node_id, host, ray, python} a node.

    Raises:
        ServiceError: no connection, or another version of Ray or Python over there; with Ray's own words.
    """
    if not address.startswith("ray://"):
        raise ConfigError(
            f"RAY_ADDRESS={address!r} is not a Ray Client address.", "Write it as ray://HOST:10001."
        )
    end, attempts = time.monotonic() + deadline_s, itertools.count(1)

    def ask() -> subprocess.CompletedProcess[str]:
        attempt = next(attempts)
        done = _ask_in_a_process(address, end - time.monotonic(), deadline_s)
        for line in done.stderr.splitlines():
            logger.info("%s", line)
        if _stillborn(done):
            logger.warning(
                "Ray's server for this client died as it started (try %d of %d).", attempt, ATTEMPTS
            )
        return done

    done = Patience(pause_s=0, tries=ATTEMPTS).poll(ask, done=lambda done: not _stillborn(done))
    found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not found:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServiceError(
            f"Ray Client could not use {address}: {last}",
            "Is ray healthy, is its token in RAY_AUTH_TOKEN_PATH, are Ray and Python the same versions?",
        )
    return dict(json.loads(found[-1].removeprefix(MARK)))


def _stillborn(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode != 0 and STILLBORN in done.stderr


def _ask_in_a_process(address: str, left_s: float, deadline_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "turo.orchestration.ray_probe", address]
    try:
        return subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=max(left_s, 0.1), check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceError(
            f"The Ray cluster at {address} did not answer within {deadline_s:.0f} s.",
            "Check that the ray service is healthy and that RAY_ADDRESS names it.",
        ) from error


def ask_nodes(address: str) -> dict[str, Any]:
    """Connect, run one task pinned to each living node, disconnect. For the process of its own."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    @ray.remote(num_cpus=0, max_retries=2)
    def who() -> dict[str, str]:
        import platform
        import socket

        import ray

        return {"host": socket.gethostname(), "ray": ray.__version__, "python": platform.python_version()}

    ray.init(address, log_to_driver=False, logging_level=logging.WARNING)
    try:
        living = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        pinned = [NodeAffinitySchedulingStrategy(node, soft=False) for node in living]
        answers = ray.get([who.options(scheduling_strategy=where).remote() for where in pinned])
    finally:
        ray.shutdown()
    return {
        "client": {"ray": ray.__version__, "python": platform.python_version()},
        "nodes": [{"node_id": node, **answer} for node, answer in zip(living, answers, strict=True)],
    }


if __name__ == "__main__":
    sys.stdout.write(f"{MARK}{json.dumps(ask_nodes(sys.argv[1]))}\n")
