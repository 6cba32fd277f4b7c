"""The two passes over Ray: the fleet's sums, then finished rows, one part of the fleet a task.

The driver holds the slim reservations until they are in the object store, then one finished part at a time.
"""

from __future__ import annotations

import io
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from turo.cluster import local_ray, ray_errors
from turo.errors import ServiceError
from turo.features import panel
from turo.features.fleet_context import Fleet
from turo.features.fleet_part import Part
from turo.features.scope import Scope

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Use the Ray this process is connected to, else connect to `address` for as long as the block runs.

    "local" starts a small Ray of its own; so does "auto" where no cluster runs on this machine.

    Raises:
        ServiceError: the cluster at `address` cannot be reached.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        if address == "auto":
            with suppress(ConnectionError):
                ray.init(address="auto", **local_ray.QUIET)
        elif address != "local":
            ray.init(address=address, **local_ray.QUIET)
        if not ray.is_initialized():
            local_ray.start(include_dashboard=False)
    except Exception as error:  # Ray raises anything from ConnectionError to plain Exception here
        raise ServiceError(
            f"Ray at {address} cannot be used: {error}",
            "Start the cluster, or set RAY_ADDRESS to where it is.",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def rows(parts: list[Part], scope: Scope) -> Iterator[tuple[NDArray[np.uint8], pa.Table]]:
    """Finished parts in order: lines of CSV without a header, and the same rows as an Arrow table.

    Consumes `parts`. A task that dies with its node is run again by Ray. Tasks reserve no processors, which
    replicas of the models may hold for ever: only as many are sent at once as the cluster has processors.
    """
    import ray

    refs = [ray.put(parts.pop(0)) for _ in range(len(parts))]
    task = ray.remote(num_cpus=0, scheduling_strategy="SPREAD")
    sums, table = task(panel.sums), task(_finished).options(num_returns=2)
    shared = ray.put(scope)
    atonce = max(2, int(ray.cluster_resources().get("CPU", 2)))
    with ray_errors.named("prepare"):
        fleet = ray.put(Fleet.total(list(_in_order(sums, refs, atonce, shared))))
        yield from _in_order(table, refs, atonce, shared, fleet)


def _in_order(task: Any, refs: list[Any], atonce: int, *shared: Any) -> Iterator[Any]:
    """Results of a Ray task for each part, in order; `atonce` run or wait while the caller is at work."""
    import ray

    running = deque[Any]()
    for ref in refs:
        oldest = ray.get(running.popleft()) if len(running) >= atonce else None
        running.append(task.remote(ref, *shared))  # more than Ray has CPUs for would cost it new workers
        if oldest is not None:
            yield oldest
        del oldest
    while running:
        yield ray.get(running.popleft())


def csv_bytes(table: pl.DataFrame, header: bool) -> memoryview:
    """CSV with ISO dates, and nothing for null."""
    text = io.BytesIO()
    table.write_csv(text, include_header=header)
    return text.getbuffer()


def parquet_bytes(table: pl.DataFrame) -> memoryview:
    """A small table as Parquet."""
    content = io.BytesIO()
    table.write_parquet(content)
    return content.getbuffer()


def _finished(part: Part, scope: Scope, fleet: Fleet) -> tuple[NDArray[np.uint8], pa.Table]:
    import numpy as np

    table = panel.table(part, scope, fleet)
    # Arrays travel through the object store without a copy.
    return np.frombuffer(csv_bytes(table, header=False), np.uint8), table.to_arrow(
        compat_level=pl.CompatLevel.oldest()
    )
