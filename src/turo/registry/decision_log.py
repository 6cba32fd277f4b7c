"""The decision log: the append-only record of what moved which alias, when and why.

The decision log is kept in MLflow's own database: each entry is one finished run in the experiment
`turo-ledger`, its fields are the run's tags, and MLflow's pages show them. On purpose no function changes or
removes an entry.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from turo.registry import create_once
from turo.registry.client import client

logger = logging.getLogger(__name__)

EXPERIMENT = "turo-ledger"
PREFIX = "turo.ledger."
TAG_LENGTH = 4000  # MLflow refuses longer tags
PAGE = 500
REFUSED, SERVING = "refused", "serving"  # events that the reconciler writes
DECIDED = "decided"  # the gate's event before it moves an alias; what came of it has an entry of its own
SERVED = (SERVING, "promoted", "rolled_back")  # events after which a version serves, if it can be served


def append_entry(
    event: str, name: str, version: str, reason: str, details: Mapping[str, Any] | None = None
) -> str:
    """Add an entry; returns its id.

    Args:
        event: what happened: decided, promoted, kept, rolled_back, refused, retraining …
        name, version: the model and the version it happened to; of a retraining the DAG, and nothing.
        reason: why, as a sentence.
        details: anything else worth keeping, as short plain values.
    """
    entry = {
        **{key: str(value) for key, value in (details or {}).items() if value is not None},
        "id": uuid.uuid4().hex,
        "event": event,
        "name": name,
        "version": version,
        "reason": reason,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    mlflow_client = client()
    tags = {PREFIX + key: value[:TAG_LENGTH] for key, value in entry.items()}
    run_id = create_once.create_run(_experiment(), tags, f"{event} {name} {version}")
    mlflow_client.set_terminated(run_id)
    logger.info("Decision log: %s %s version %s: %s", event, name, version, reason)
    return entry["id"]


def read_entries(
    name: str | None = None, limit: int | None = None, version: str | None = None
) -> list[dict[str, str]]:
    """Entries, newest first; of one model or version, or of all. Without a limit every one of them."""
    fields = {"name": name, "version": version}
    wanted = " and ".join(f"tags.`{PREFIX}{key}` = '{value}'" for key, value in fields.items() if value)
    entries: dict[str, dict[str, str]] = {}
    token = None
    while limit is None or len(entries) < limit:
        runs = client().search_runs(
            [_experiment()],
            wanted,
            max_results=min(limit or PAGE, PAGE),
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        for run in runs:
            tags = {key.removeprefix(PREFIX): v for key, v in run.data.tags.items() if key.startswith(PREFIX)}
            # A request whose answer got lost may have been repeated: the same id twice is one entry.
            if "id" in tags:
                entries.setdefault(tags["id"], tags)
        token = runs.token
        if not token:
            break
    return list(entries.values())[:limit]


def _experiment() -> str:
    return create_once.experiment(EXPERIMENT)
