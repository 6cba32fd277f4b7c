"""Vehicle ids without what a spreadsheet may have changed: blanks, case, leading zeros, commas in numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

GROUPED = re.compile(r"^\d{1,3}(,\d{3})+$")


def loose(vehicle_id: str) -> str:
    """What is left of an id without blanks, case, leading zeros and commas between thousands."""
    bare = "".join(vehicle_id.split()).casefold()
    bare = bare.replace(",", "") if GROUPED.match(bare) else bare
    return (bare.lstrip("0") or "0") if bare.isdigit() else bare


def by_loose_key(values: Mapping[str, str]) -> dict[str, str]:
    """The values by the loose keys of their ids, where one key has one value."""
    found: dict[str, set[str]] = defaultdict(set)
    for vehicle_id, value in values.items():
        found[loose(vehicle_id)].add(value)
    return {key: value.pop() for key, value in found.items() if len(value) == 1}
