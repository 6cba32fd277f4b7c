"""How much history a model needs. A table that has less is forecast by its best baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from turo.errors import TrainingError

MIN_TRIPS = 100  # finished ones
MIN_WEEKS = 26  # Mondays whose windows are over


def check_trips(finished: float) -> None:
    """Refuse a history with too few finished trips.

    Raises:
        TrainingError: saying how many are needed.
    """
    if finished < MIN_TRIPS:
        raise TrainingError(
            f"Only {finished:.0f} finished trips; {MIN_TRIPS} are needed.",
            "Bring a longer history or more vehicles.",
        )


def refuse_empty(manifest: Mapping[str, Any], needed: str) -> NoReturn:
    """Say why no row of a table can train; with too few trips no horizon is short enough.

    Raises:
        TrainingError: always.
    """
    check_trips((manifest.get("rows") or {}).get("finished_trips", MIN_TRIPS))
    raise TrainingError(
        f"No row of {needed}.",
        "The history is too short for this horizon: bring more of it, or forecast fewer days.",
    )


def shortfall(manifest: Mapping[str, Any]) -> str | None:
    """What a prepared table lacks for a model to be trained on it; None where nothing is known to lack."""
    rows = manifest.get("rows") or {}
    needed = {
        f"{MIN_TRIPS} finished trips": (rows.get("finished_trips"), MIN_TRIPS),
        f"{MIN_WEEKS} weeks whose outcome is known": (rows.get("labelled_origins"), MIN_WEEKS),
    }
    counted = {what: (count, least) for what, (count, least) in needed.items() if count is not None}
    if all(count >= least for count, least in counted.values()):
        return None
    has = " and ".join(f"{count:.0f}" for count, _ in counted.values())
    return f"a model needs {' and '.join(counted)}, this table has {has}"
