"""Compare the fleet of a version with that of the prepared table and of other versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turo.data import fleet_sketch
from turo.settings import Settings
from turo.table import reader

DIGEST = "turo.data_digest"
COMPARABLE = ("turo.target", "turo.horizon_days")
UNTOLD = "a fleet it does not name (an older version made it)"

Tags = Mapping[str, str]


def table_manifest(settings: Settings) -> dict[str, Any]:
    """What `DATA_DIR` holds now; empty where there is no table or its manifest cannot be read."""
    return reader.known_manifest(reader.located(settings.data_dir))


def label(tags: Tags) -> str:
    """The fleet a version was trained on, in words."""
    fleet = fleet_sketch.of_tags(tags)
    return UNTOLD if fleet is None else fleet.label


def same(one: Tags, other: Tags) -> bool:
    """Were two versions trained on the same fleet? Where one names none, only the same table shows it."""
    if fleet_sketch.same(fleet_sketch.of_tags(one), fleet_sketch.of_tags(other)):
        return True
    return bool(one.get(DIGEST)) and one.get(DIGEST) == other.get(DIGEST)


def foreign(tags: Tags, manifest: Mapping[str, Any]) -> bool:
    """Was a version trained on another fleet than that of the table? Not where the table names none."""
    here = fleet_sketch.of_manifest(manifest)
    if here is None or tags.get(DIGEST) == manifest.get("digest"):
        return False
    return not fleet_sketch.same(fleet_sketch.of_tags(tags), here)


def difference(candidate: Tags, champion: Tags) -> str:
    """Why a candidate cannot be compared with a champion, as the end of a sentence; empty where it can."""
    if not same(candidate, champion):
        return f"was trained on another fleet: {label(champion)}"
    other = [tag for tag in COMPARABLE if champion.get(tag) != candidate.get(tag)]
    was = ", ".join(f"{tag.removeprefix('turo.')} {champion.get(tag)}" for tag in other)
    return f"was made for {was}" if other else ""
