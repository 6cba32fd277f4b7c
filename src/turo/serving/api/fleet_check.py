"""Was a version trained on the fleet of the prepared table? If not: the warning, and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from turo.data import fleet_sketch
from turo.data.fleet_sketch import Identity
from turo.serving.serve_config import TrainedOn
from turo.training.enough_history import shortfall

HEADER = b"x-model-warning"
ANOTHER, UNKNOWN = b"trained on another fleet", b"trained on other data"

Manifest = Mapping[str, Any]


@lru_cache(maxsize=64)
def identity(tag: str) -> Identity | None:
    """The fleet in a version's tag."""
    return fleet_sketch.of_tags({fleet_sketch.TAG: tag})


@lru_cache(maxsize=64)
def _same(one: Identity, other: Identity) -> bool:
    return fleet_sketch.same(one, other)


def foreign(trained_on: TrainedOn, manifest: Manifest) -> bytes | None:
    """The warning header's value where a version was not trained on the table's fleet; None where it was.

    Where either side names no fleet, only the very same table counts. Without a table (an empty
    manifest) there is nothing to compare with.
    """
    if not manifest:
        return None
    mine, its = identity(trained_on.fleet), fleet_sketch.of_manifest(manifest)
    if mine is None or its is None:
        return None if trained_on.data_digest == manifest.get("digest") else UNKNOWN
    return None if _same(mine, its) else ANOTHER


def difference(trained_on: TrainedOn, manifest: Manifest) -> str | None:
    """The same in words, as a sentence's end after the version's name."""
    kind = foreign(trained_on, manifest)
    if kind is None:
        return None
    mine, its = identity(trained_on.fleet), fleet_sketch.of_manifest(manifest)
    here = its.label if its else f"data {_short(manifest.get('digest'))}"
    if kind == ANOTHER and mine:
        return f"was trained on another fleet ({mine.label}), not on the vehicles of this table ({here})"
    there = mine.label if mine else f"data {_short(trained_on.data_digest)}, by a release that noted no fleet"
    return f"was trained on other data ({there}) than this table ({here})"


def remedy(manifest: Manifest, otherwise: str = "") -> str:
    """What helps where a version does not fit the table: training only where the history suffices for it.

    Args:
        otherwise: what helps without training, as a sentence.
    """
    lack = shortfall(manifest)
    if lack is None:
        train = "Train on this table: `turo train` and `turo promote`, or the DAG prepare_data."
        return f"{train} {otherwise}".strip()
    return " ".join(
        filter(
            None,
            (
                otherwise,
                f"Training cannot help yet: {lack}.",
                "Until then `turo forecast` (DAG forecast_fleet) forecasts these vehicles by the best "
                "baseline: see forecasts.csv.",
            ),
        )
    )


def told(trained_on: TrainedOn) -> dict[str, Any] | None:
    """A version's fleet as answers tell it."""
    fleet = identity(trained_on.fleet)
    if fleet is None:
        return None
    return {"label": fleet.label, "id": fleet.id, "snapshot": trained_on.snapshot or fleet.snapshot}


def _short(digest: object) -> str:
    return str(digest or "unknown")[:12]
