"""The definitions of the domain row by row, by plain loops: what the fast code must agree with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
CANCELLED = ("guest_cancellation", "host_cancellation")
Row = dict[str, Any]


class Reference:
    """The definitions of the domain, by loops over rows. `rows` may be of several cars."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def of(self, vehicle_id: str) -> Reference:
        """The rows of one car."""
        return Reference([row for row in self.rows if row["vehicle_id"] == vehicle_id])

    def known(self, at: datetime) -> Reference:
        """What is booked at the instant, as far as could be known then."""
        return Reference([row for row in self.rows if _booked(row) <= at and not _left(row) <= at])

    def counted(self) -> Reference:
        """What was finally not cancelled."""
        return Reference([row for row in self.rows if row["status"] not in CANCELLED])

    def days(self, start: datetime, end: datetime) -> float:
        """Length of the union of the trips inside [start, end), in days."""
        clipped = sorted((max(r["trip_start"], start), min(r["trip_end"], end)) for r in self.rows)
        total, reached = timedelta(), start
        for first, last in clipped:
            total += max(last - max(first, reached), timedelta())
            reached = max(reached, last)
        return total / DAY

    def started(self, start: datetime, end: datetime) -> int:
        """Trips that start in [start, end)."""
        return sum(start <= row["trip_start"] < end for row in self.rows)

    def revenue(self, start: datetime, end: datetime) -> float:
        """Base revenue by each trip's share of time in [start, end)."""
        total = 0.0
        for row in self.rows:
            inside = min(row["trip_end"], end) - max(row["trip_start"], start)
            share = max(inside, timedelta()) / (row["trip_end"] - row["trip_start"])
            total += (row["trip_price"] + row["discounts"]) * share
        return total


def _booked(row: Row) -> datetime:
    return row["booked_at"] or row["trip_start"]


def _left(row: Row) -> datetime:
    if row["cancelled_at"]:
        return row["cancelled_at"]
    return row["trip_start"] if row["status"] in CANCELLED else datetime.max
