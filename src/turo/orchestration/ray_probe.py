"""Run a small task on every node of a Ray cluster over Ray Client and report who answered.

Ray Client does not survive in Celery's forked workers, so it lives in a process of its own: `probe` starts
`python -m turo.orchestration.ray_probe ADDRESS` and reads its last line.
"""

from __future__ import annotations

import json
import logging
import platform
import subprocess
import sys
from typing import Any

from turo.errors import ConfigError, ServiceError

logger = logging.getLogger(__name__)

DEADLINE_S = 120
MARK = "RAY_PROBE "


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
    command = [sys.executable, "-m", "turo.orchestration.ray_probe", address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ServiceError(
            f"The Ray cluster at {address} did not answer within {deadline_s:.0f} s.",
            "Check that the ray service is healthy and that RAY_ADDRESS names it.",
        ) from error
    for line in done.stderr.splitlines():
        logger.info("%s", line)
    found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not found:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServiceError(
            f"Ray Client could not use {address}: {last}",
            "Is ray healthy, is its token in RAY_AUTH_TOKEN_PATH, are Ray and Python the same versions?",
        )
    return dict(json.loads(found[-1].removeprefix(MARK)))


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
