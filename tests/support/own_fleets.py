"""Fleets of hosts who come from the sample: a folder's files, and what is to be seen of them afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from export_factory import Fleet, write


@dataclass(frozen=True)
class OwnFleet:
    """The vehicles whose files `put` wrote, and whether their history is long enough for a model."""

    vehicles: frozenset[str]
    trainable: bool


def export(folder: Path, vehicles: int = 4, days: int = 420) -> OwnFleet:
    """A trip earnings export; the sample's vehicles.csv and blocks.csv stay beside it."""
    rows = Fleet(vehicles=vehicles, days=days).rows(datetime(2026, 2, 1, 12))
    write(folder, rows)
    return OwnFleet(frozenset(row["Vehicle id"] for row in rows), trainable=True)


def tiny_export(folder: Path) -> OwnFleet:
    """Sixty trips of three vehicles over most of a year: too few to train."""
    rows = Fleet(vehicles=3, days=330, seed=9).rows(datetime(2025, 11, 20, 12))
    kept = [row for row in rows if "cancellation" not in row["Trip status"]][:: max(1, len(rows) // 60)][:60]
    # Numbers of their own: an export of the vehicles of `export` would be that fleet, two months older.
    kept = [
        row | {"Vehicle id": f"2{row['Vehicle id'][1:]}", "VIN": row["VIN"].replace("SYN", "ODD")}
        for row in kept
    ]
    write(folder, kept)
    return OwnFleet(frozenset(row["Vehicle id"] for row in kept), trainable=False)
