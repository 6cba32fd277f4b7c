"""Tags and model-card facts of a run, and the check that its table has enough history."""

from __future__ import annotations

from typing import Any

from turo.data import fleet_sketch
from turo.table.targets import RESERVATIONS
from turo.training.enough_history import check_trips
from turo.training.project import Options, Project, Value
from turo.training.training_rows import TrainingTable, first_and_last

PROTOCOL_TIMED = (
    "Figures are those of a model that was fitted to the rows before the hold-out (the last 12 weeks of "
    "origins, one horizon of gap) and never saw it. The model that is served was then fitted, with the same "
    "parameters, to all labelled rows."
)
PROTOCOL_CROSSED = (
    "Figures are out-of-fold: five folds of vehicles, each forecast by a model that was not fitted to it. "
    "The model that is served was then fitted, with the same parameters, to all rows."
)
PROTOCOL_ENSEMBLE = (
    " The members' weights (`weight_…`) were chosen on the rolling folds, which are over before a hold-out "
    "begins; the level of each fold is made with the weights that the other folds ask for."
)


def check_history(data: TrainingTable) -> None:
    """Refuse a history too short to learn from; weeks of origins are checked by the split.

    Raises:
        TrainingError: under 100 finished trips.
    """
    trips = data.manifest.get("rows", {}).get("finished_trips")
    if trips is None:
        trips = _trips_seen(data)
    check_trips(trips)


def _trips_seen(data: TrainingTable) -> float:
    """Trips that start in windows that do not overlap: where the manifest does not count finished ones."""
    if not data.timed:
        return float(data.y.sum())
    if RESERVATIONS not in data.rows.columns:
        return float("inf")
    weeks = data.rows["origin_date"].unique().sort()
    apart = weeks[:: max(1, -(-data.horizon_days // 7))]
    return float(data.rows.filter(data.rows["origin_date"].is_in(apart.implode()))[RESERVATIONS].sum())


def tags_of(name: str, kind: str, run_key: str, data: TrainingTable, code_version: str) -> dict[str, str]:
    """Tags by which a run is found, compared and registered."""
    tags = {
        "turo.model": name,
        "turo.kind": kind,
        "turo.run_key": run_key,
        "turo.data_digest": data.digest,
        "turo.code_version": code_version,
        "turo.profile": data.profile,
        "turo.target": data.target,
        "turo.horizon_days": str(data.horizon_days),
        "turo.snapshot": data.snapshot,
    }
    fleet = fleet_sketch.of_manifest(data.manifest)
    return tags if fleet is None else {**tags, fleet_sketch.TAG: fleet_sketch.as_tag(fleet)}


def describe(
    name: str, project: Project, params: dict[str, Value], options: Options, data: TrainingTable
) -> dict[str, Any]:
    """Facts for the model card and the model's own metadata; plain values."""
    span = "one row a vehicle"
    if data.timed:
        first, last = first_and_last(data.rows)
        span = f"origins {first} to {last}"
    return {
        "name": name,
        "summary": project.summary,
        "params": dict(params),
        "seed": options.seed,
        "target": data.target,
        "horizon_days": data.horizon_days,
        "profile": data.profile,
        "snapshot": data.snapshot,
        "data_digest": data.digest,
        "rows": len(data.rows),
        "span": span,
        "protocol": (PROTOCOL_TIMED if data.timed else PROTOCOL_CROSSED)
        + (PROTOCOL_ENSEMBLE if project.members_in and data.timed else ""),
    }
