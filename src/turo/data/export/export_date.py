"""When an export was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from turo.data.read_context import ReadContext
from turo.errors import InputError
from turo.words import by_number, counted

DAY = timedelta(days=1)
NAME_DATE = re.compile(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})(?!\d)")
TOLERANCE = timedelta(days=3)  # a trip returned early is completed before its Trip end
LATE_SHARE = 0.01
FRESH = timedelta(days=7)  # rows so near a day prove it better than the clock of this machine
GAP = timedelta(days=60)
SMALL = 100  # rows
AS_OF_REMEDY = "Put the day of the export into its file name (…_YYYYMMDD.csv), or set AS_OF."


@dataclass(frozen=True)
class Snapshot:
    """`instant`: nothing later is known. `end`: the end of its day, the latest that its rows were booked."""

    instant: datetime
    told_by: str

    @property
    def end(self) -> datetime:
        return datetime.combine(self.instant.date(), datetime.min.time()) + DAY


def taken(name: str, rows: pl.DataFrame, as_of: str | None, context: ReadContext) -> Snapshot:
    """When the rows of a file were true: by its name, else `AS_OF`, else the latest instant that they prove.

    A row proves the end of a completed trip and the start of one in progress.

    Raises:
        InputError: `AS_OF` is no date, nothing tells the day, or the one told is still to come, or many rows
            contradict it.
    """
    proven = _proven(rows)
    day, told_by = named_day(name), f"the name of {name}"
    if day is None and as_of:
        day, told_by = _day(as_of), "AS_OF"
    if day is None:
        if not len(proven):
            raise InputError(f"No row of {name} tells when it was exported.", AS_OF_REMEDY)
        return Snapshot(_latest(name, proven, context), f"the latest instant that {name} proves")
    start = datetime.combine(day, datetime.min.time())
    if day > _latest_today() and not (proven > start - FRESH).any():
        raise InputError(
            f"{name}: by {told_by} it was exported on {day}, which is still to come.",
            "Correct that day, or this machine's clock.",
        )
    late = proven.filter(proven > start + DAY)
    if late.len() > LATE_SHARE * rows.height and (late > start + DAY + TOLERANCE).any():
        raise InputError(
            f"{name}: by {told_by} it was exported on {day}, but {late.len()} row(s) tell of later days "
            f"(the last of them {late.dt.strftime('%Y-%m-%d').max()!s}).",
            AS_OF_REMEDY,
        )
    if late.len():
        context.warn(f"{name}: {late.len()} row(s) tell of instants after the day of the export, {day}.")
    within = proven.filter((proven >= start) & (proven < start + DAY)).max()
    return Snapshot(within if isinstance(within, datetime) else start, told_by)


def named_day(name: str) -> date | None:
    """The day in a file name (`trip_earnings_export_20260401.csv`); of two days the later."""
    days = []
    for year, month, day in NAME_DATE.findall(name):
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return max(days, default=None)


def _latest_today() -> date:
    """The day it is where it is latest."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def _proven(rows: pl.DataFrame) -> pl.Series:
    ended = rows.filter(pl.col("status") == "completed")["trip_end"]
    begun = rows.filter(pl.col("status") == "in_progress")["trip_start"]
    return pl.concat([ended.alias("instant"), begun.alias("instant")])


def _latest(name: str, proven: pl.Series, context: ReadContext) -> datetime:
    """The latest instant, leaving out a few that lie far beyond all others: typing errors.

    In a small file only what is still to come is taken for one.
    """
    instants = proven.unique().sort()
    slips: list[datetime] = []
    while len(slips) < max(1, len(proven) // 1000) and len(instants) > 1:
        far = instants[-1] - instants[-2] > GAP
        if not far or (len(proven) <= SMALL and instants[-1].date() <= _latest_today()):
            break
        slips.append(instants[-1])
        instants = instants[:-1]
    if count := len(slips):
        context.warn(
            f"{name}: {counted(count, 'row')} {by_number(count, 'tells', 'tell')} of "
            f"{min(slips):%Y-%m-%d} or later, far after all others."
        )
    latest: datetime = instants[-1]
    return latest


def _day(as_of: str) -> date:
    try:
        return datetime.fromisoformat(as_of).date()
    except ValueError as error:
        raise InputError(f"AS_OF={as_of!r} is no ISO date.", "Set it like 2026-11-23.") from error
