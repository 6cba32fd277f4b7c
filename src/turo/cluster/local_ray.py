"""Starts a local Ray cluster on this machine."""

from __future__ import annotations

import logging
from typing import Any

from turo.patience import Patience

logger = logging.getLogger(__name__)

START_ATTEMPTS = 3
OBJECT_STORE_BYTES = 512 << 20  # more spills to disk
# Under `uv run` Ray would copy the project to each worker and start it there by uv, without our environment.
OUR_INTERPRETER = {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
QUIET: dict[str, Any] = {"logging_level": logging.WARNING, "log_to_driver": False}


def start(**options: Any) -> str:
    """`ray.init` a new local cluster; returns the address of its dashboard, empty if it has none.

    Ray gives its own helpers 15 s to start; where a busy machine is slower, it is asked again.

    Raises:
        Exception: whatever Ray raised at the last attempt.
    """
    import ray

    def begin() -> Any:
        logger.info("Starting a local Ray")
        return ray.init(address="local", object_store_memory=OBJECT_STORE_BYTES, **QUIET, **options)

    context = Patience(0.0, tries=START_ATTEMPTS).retry(
        begin,
        errors=Exception,
        note=lambda error: logger.warning("Ray did not start in time, trying again: %s", error),
    )
    return f"http://{context.dashboard_url}" if context.dashboard_url else ""
