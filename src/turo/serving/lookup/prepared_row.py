"""One row of the prepared table, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from turo.serving.http.problems import Problem, shown
from turo.serving.lookup.whole_table import Rows


@dataclass(frozen=True)
class Row:
    """One row of the table; `origin` is None under the take-home profile, which has no dates."""

    vehicle_id: str
    origin: date | None
    values: dict[str, Any]
    manifest: dict[str, Any]


def find_row(manifest: dict[str, Any], rows: Rows, vehicle_id: str, origin: date | None) -> Row:
    """The row of a vehicle at an origin, by default at the newest of `rows`.

    Raises:
        Problem: 404, 422: there is none.
    """
    dated = rows.newest is not None
    if origin and not dated:
        raise Problem(422, "This table has one row a vehicle and no dates: leave origin out.")
    chosen = origin or rows.newest
    values = rows.row(vehicle_id, chosen)
    if values is None:
        known = [day for day in rows.origins(vehicle_id) if day]
        raise Problem(404, _absent(vehicle_id, origin, rows.newest, known))
    return Row(vehicle_id, chosen, values, manifest)


def _absent(vehicle_id: str, origin: date | None, newest: date | None, known: list[date]) -> str:
    """Why there is no row, and what there is."""
    if not known:
        return f"Vehicle {shown(vehicle_id)} has no row in the prepared table."
    first, last = min(known), max(known)
    if origin is None:
        return (
            f"Vehicle {shown(vehicle_id)} left the fleet: its last origin is {last}, the table's newest is "
            f"{newest}; give an origin from {first} to {last} for what was forecast then."
        )
    nearest = min(known, key=lambda day: abs((day - origin).days))
    return (
        f"Vehicle {shown(vehicle_id)} has no row at {origin}; its origins are Mondays from {first} to "
        f"{last}, the nearest is {nearest}."
    )
