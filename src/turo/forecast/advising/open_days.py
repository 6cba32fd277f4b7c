"""The stretches of a vehicle's next weeks on which nothing is booked and nothing is blocked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from turo.data.tables import Tables
from turo.forecast.occupied_days import trips


@dataclass(frozen=True)
class Gap:
    """From `start` to `end`; `closed` where something lies on both sides, so that it cannot grow."""

    start: datetime
    end: datetime
    closed: bool

    @property
    def days(self) -> int:
        """Whole days."""
        return (self.end - self.start) // timedelta(days=1)

    def told(self, opening: str = "from") -> str:
        """First and last open day, as a host writes them; the opening word is `on` for a single day."""
        last = self.start + timedelta(days=max(self.days, 1) - 1)
        first, until = (f"{moment.day} {moment:%b}" for moment in (self.start, last))
        if first == until:
            return f"on {first}" if opening else first
        return f"{opening} {first} to {until}".strip()

    @classmethod
    def of_days(cls, first: date, last: date) -> Gap:
        """Whole days, both included."""
        return cls(datetime.combine(first, time()), datetime.combine(last, time()) + timedelta(days=1), True)

    def shuts_out(self, least_days: float) -> bool:
        """Does a trip of so many days not fit in, for good? To the minute, as in the report's gaps."""
        return self.closed and self.end - self.start < timedelta(days=least_days)

    def first(self, days: int) -> Gap:
        """Its first days."""
        return Gap(self.start, min(self.end, self.start + timedelta(days=days)), self.closed)


def open_days(source: Tables, vehicle: str, origin: date, horizon: int) -> list[Gap]:
    """Gaps of a day at least, in order of time, from the day after the snapshot, or the origin if later.

    Args:
        horizon: days from the origin.
    """
    end = datetime.combine(origin, time()) + timedelta(days=horizon)
    begin = max(datetime.combine(origin, time()), _next_midnight(source.snapshot))
    parts = [trips(source.reservations)]
    if source.blocks is not None:
        parts.append(source.blocks.select("vehicle_id", "start", "end"))
    taken = pl.concat(parts).filter(
        pl.col("vehicle_id") == vehicle, pl.col("end") > begin, pl.col("start") < end
    )
    leaves = source.vehicles.filter(pl.col("vehicle_id") == vehicle)["listed_to"].drop_nulls()
    if len(leaves):
        end = min(end, datetime.combine(leaves[-1], time()))
    found, free_from, before = [], begin, False
    for start, until in taken.select("start", "end").sort("start", "end").rows():
        if start > free_from:
            found.append(Gap(free_from, min(start, end), before and start < end))
        free_from, before = max(free_from, until), True
    if free_from < end:
        found.append(Gap(free_from, end, closed=False))
    return [gap for gap in found if gap.days >= 1]


def _next_midnight(moment: datetime) -> datetime:
    midnight = datetime.combine(moment.date(), time())
    return midnight if midnight == moment else midnight + timedelta(days=1)
