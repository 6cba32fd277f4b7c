"""Canonical files cut at a midnight: what a host's own system would have written then.

Works on the text of the files alone, so that it shares nothing with what it is compared with.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

Row = dict[str, str]
AFTERWARDS = ("fees", "total_earnings", "distance", "odometer_out", "odometer_in")  # of a trip that is over


def cut(source: Path, target: Path, day: date) -> Path:
    """Write the three files into `target` as they were on `day`, 00:00."""
    target.mkdir(parents=True)
    at = f"{day}T00:00"
    _rewrite(source, target, "reservations.csv", lambda row: _reservation(row, at))
    _rewrite(source, target, "vehicles.csv", lambda row: _vehicle(row, str(day)))
    _rewrite(source, target, "blocks.csv", lambda row: row if row["created_at"] <= at else None)
    return target


def _rewrite(source: Path, target: Path, name: str, change: Callable[[Row], Row | None]) -> None:
    with (source / name).open(newline="") as lines:
        reader = csv.DictReader(lines)
        kept = [new for row in reader if (new := change(row)) is not None]
    with (target / name).open("w", newline="") as lines:
        writer = csv.DictWriter(lines, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(kept)


def _reservation(row: Row, at: str) -> Row | None:
    if row["booked_at"] > at:
        return None
    over, begun = row["trip_end"] <= at, row["trip_start"] <= at
    if row["cancelled_at"] and row["cancelled_at"] <= at:
        return row
    state = "completed" if over else "in_progress" if begun else "booked"
    later = {} if over else dict.fromkeys(AFTERWARDS, "")
    return row | {"status": state, "cancelled_at": ""} | later


def _vehicle(row: Row, day: str) -> Row | None:
    if row["listed_from"] > day:
        return None
    return row | {"listed_to": row["listed_to"] if row["listed_to"] <= day else ""}
