"""Free processors of a Ray cluster: how many, who holds the others, and what a job may reserve."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from turo.cluster.dashboard import RayHttp

logger = logging.getLogger(__name__)

ACTORS = {"detail": "1", "limit": "1000"}
REMEDY = "raise RAY_NUM_CPUS or RAY_WORKERS, or lower SERVE_MIN_REPLICAS or SERVE_REPLICA_CPUS"


def claim(http: RayHttp, wanted: float, job: str) -> float:
    """What a job may reserve: what it wants, or nothing where Ray has not that much left.

    Reservations are Ray's bookkeeping. Where the replicas of the models hold
    the rest, a job that waits for a reservation waits for ever; without one it runs on the head, beside them.
    """
    room = free(http)
    if room is None or room[0] >= wanted:
        return wanted
    logger.warning(
        "Ray at %s has %.2f of %g processors free%s, job %s would reserve %g: it runs without, beside what "
        "holds them. Where that is too slow %s.",
        http.address, *room, _largest_users(http), job, wanted, REMEDY,
    )  # fmt: skip
    return 0.0


def pending(http: RayHttp) -> str:
    """What to say of a job that Ray has not started yet."""
    room = free(http)
    if room is None:
        return ""
    return f" ({room[0]:.2f} of {room[1]:g} processors are free{_largest_users(http)}; {REMEDY})"


def free(http: RayHttp) -> tuple[float, float] | None:
    """Free processors and all of them, a few seconds old; None where Ray does not say."""
    answer = http.call("GET", "/api/cluster_status", retry_500=False)
    try:
        used, total = answer.json()["data"]["clusterStatus"]["loadMetricsReport"]["usage"]["CPU"]
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, total - used), total


def _largest_users(http: RayHttp) -> str:
    """The actors that hold most, replicas of models for example."""
    answer = http.call("GET", "/api/v0/actors", params=ACTORS, retry_500=False)
    held: Counter[str] = Counter()
    try:
        for actor in answer.json()["data"]["result"]["result"]:
            if actor["state"] != "DEAD":
                held[_short(actor)] += (actor["required_resources"] or {}).get("CPU", 0)
    except (KeyError, TypeError, ValueError):
        return ""
    most = [f"{name} {cpus:g}" for name, cpus in held.most_common(5) if cpus]
    return f" (held: {', '.join(most)})" if most else ""


def _short(actor: dict[str, Any]) -> str:
    """`ServeReplica:KNN:Model` is known as KNN."""
    return str(actor["class_name"]).removeprefix("ServeReplica:").split(":")[0]
