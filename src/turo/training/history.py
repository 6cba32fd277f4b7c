"""How much history a model needs. A table that has less is forecast by its best baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIN_TRIPS = 100  # finished ones
MIN_WEEKS = 26  # Mondays whose windows are over


def shortfall(manifest: Mapping[str, Any]) -> str | None:
    """What a prepared table lacks for a model to be trained on it; None where nothing is known to lack."""
    rows = manifest.get("rows") or {}
    needed = {
        f"{MIN_TRIPS} finished trips": (rows.get("finished_trips"), MIN_TRIPS),
        f"{MIN_WEEKS} weeks of labelled origins": (rows.get("labelled_origins"), MIN_WEEKS),
    }
    counted = {what: (count, least) for what, (count, least) in needed.items() if count is not None}
    if all(count >= least for count, least in counted.values()):
        return None
    has = " and ".join(f"{count:.0f}" for count, _ in counted.values())
    return f"a model needs {' and '.join(counted)}, this table has {has}"
