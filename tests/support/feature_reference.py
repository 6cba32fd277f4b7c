"""The definitions of the domain row by row, by plain loops: what the fast code must agree with."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
CANCELLED = ("guest_cancellation", "host_cancellation")
Row = dict[str, Any]


class Reference:
    """The definitions of the domain, by loops over rows. `rows` may be of several vehicles."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def of(self, vehicle_id: str) -> Reference:
        """The rows of one vehicle."""
        return Reference([row for row in self.rows if row["vehicle_id"] == vehicle_id])

    def known(self, at: datetime) -> Reference:
        """What is booked at the instant, as far as could be known then."""
        return Reference([row for row in self.rows if _booked(row) <= at and not _left(row) <= at])

    def shown(self, known_at: datetime, at: datetime, snapshot: datetime, horizon: timedelta) -> Reference:
        """What was known at an instant, as the origin `at` sees it: the newest knows what was cancelled."""
        rows = self.known(known_at).rows
        if newest(at, snapshot, horizon):
            rows = [row for row in rows if not (_undated(row) and _left(row) > at)]
        return Reference(rows)

    def chance(self, row: Row, at: datetime) -> float:
        """How likely a trip on the books at an earlier origin was still booked; of the **whole** fleet."""
        booked, start = _booked(row), row["trip_start"]
        if start <= at:
            return 1.0
        if self.replaced(row) <= at:
            return 0.0
        age = (at - booked) / (start - booked)
        stage = max(math.ceil(age * 8), 1) / 8
        mine, fleet = [0.0, 0], [0.0, 0]
        for other in self.rows:
            if other["trip_start"] > at or _booked(other) >= other["trip_start"]:
                continue
            until, gone = 1.0, _undated(other)
            if gone and (again := self.replaced(other)) < other["trip_start"]:
                until = (again - _booked(other)) / _lead(other)
                if until <= stage:
                    continue
            for sums in (mine, fleet) if _class(other) == _class(row) else (fleet,):
                sums[0] += gone / until
                sums[1] += 1
        overall = fleet[0] / fleet[1] if fleet[1] else 0.0
        return 1 - (mine[0] + 20 * overall) / (mine[1] + 20) * age

    def kept(self, row: Row, at: datetime) -> float:
        """How likely a trip on the books is not cancelled before its start; of the **whole** fleet."""
        booked, start = _booked(row), row["trip_start"]
        if start <= at:
            return 1.0
        mine, fleet = [0.0] * 9, [0.0] * 9
        for other in self.rows:
            if other["trip_start"] > at or _booked(other) >= min(other["trip_start"], _left(other)):
                continue
            until = min(self.replaced(other), other["trip_start"]) - _booked(other)
            alike = _retention_class(other) == _retention_class(row)
            for stage in range(9):
                age = _lead(other) * stage / 8
                still = max(1 - age / until, 0) if _undated(other) else _left(other) > _booked(other) + age
                fleet[stage] += still
                mine[stage] += still if alike else 0.0
        overall = [share / fleet[0] if fleet[0] else 1.0 for share in fleet]
        curve = [(count + 20 * share) / (mine[0] + 20) for count, share in zip(mine, overall, strict=True)]
        age = (at - booked) / (start - booked) * 8
        stage = min(int(age), 7)
        now = curve[stage] + (curve[stage + 1] - curve[stage]) * (age - stage)
        return curve[8] / now if now > 0 else 1.0

    def replaced(self, row: Row) -> datetime:
        """When a later booking of the vehicle for some of the same time became known."""
        return min(
            (
                _booked(other)
                for other in self.rows
                if other["vehicle_id"] == row["vehicle_id"]
                and _booked(other) > _booked(row)
                and other["trip_start"] < row["trip_end"]
                and row["trip_start"] < other["trip_end"]
            ),
            default=datetime.max,
        )

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


def newest(at: datetime, snapshot: datetime, horizon: timedelta) -> bool:
    """Less than a week before the snapshot, and the window is not over."""
    return snapshot - at < 7 * DAY and at + horizon > snapshot


def _undated(row: Row) -> bool:
    return row["status"] in CANCELLED and not row["cancelled_at"]


def _lead(row: Row) -> timedelta:
    return row["trip_start"] - _booked(row)


def _class(row: Row) -> int:
    return sum(_lead(row) > days * DAY for days in (3, 14, 45))


def _retention_class(row: Row) -> int:
    return sum(_lead(row) > days * DAY for days in (3, 7, 14, 30, 60))


def _booked(row: Row) -> datetime:
    return row["booked_at"] or row["trip_start"]


def _left(row: Row) -> datetime:
    if row["cancelled_at"]:
        return row["cancelled_at"]
    return row["trip_start"] if row["status"] in CANCELLED else datetime.max
