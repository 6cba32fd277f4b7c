"""What can be replayed: from which Monday on, up to which, and what the files cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import ID_BOUND, SEEN, UNDATED, Tables
from turo.errors import InputError, TrainingError
from turo.features.scope import TRAINING_LAG
from turo.replay.past_mondays import WEEK, mondays
from turo.table.names import TAKEHOME
from turo.training.enough_history import MIN_TRIPS, MIN_WEEKS
from turo.training.evaluation.split import by_origin
from turo.words import by_number, counted

A_YEAR = 52  # weeks: what is replayed where no date is given
LONGEST = 400  # weeks that are tried
LAG = timedelta(microseconds=TRAINING_LAG)
SHORTER = (28, 14, 7)  # horizons that need less of a history, the longest first


@dataclass(frozen=True)
class History:
    """What a model needs: Mondays from `first` on may train, and when enough trips had ended."""

    first: datetime
    enough_trips: datetime | None

    @classmethod
    def of(cls, tables: Tables) -> History:
        """Of all files, as they are now."""
        ended = tables.reservations.filter(~cancelled())["trip_end"].sort()
        first: datetime = tables.reservations["trip_end"].min()  # type: ignore[assignment]
        listed = tables.vehicles["listed_from"]
        if len(listed) and not listed.null_count():
            first = max(first, datetime.combine(listed.min(), time()))  # type: ignore[arg-type]
        return cls(first + LAG, ended[MIN_TRIPS - 1] if len(ended) >= MIN_TRIPS else None)

    def weeks(self, day: date, horizon: int) -> int:
        """Mondays that a model of that day could be trained on."""
        return len(mondays(_first_day(self.first), day - timedelta(days=horizon)))

    def earliest(self, horizon: int) -> date | None:
        """The first Monday on which a model of that horizon can be trained."""
        if self.enough_trips is None:
            return None
        last = max(self._enough_weeks(horizon), _first_day(self.enough_trips))
        return mondays(last, last + WEEK)[0]

    def shortfall(self, day: date, horizon: int) -> str:
        """What helps where on that day no model of that horizon can be trained."""
        if self._enough_weeks(horizon) <= day:
            return "Bring a longer history, or one of more vehicles: fewer days need as many trips."
        if self.enough_trips is None or _first_day(self.enough_trips) > day:
            return "Bring a longer history."
        shorter = next((days for days in SHORTER if days < horizon and self._enough_weeks(days) <= day), None)
        return "Bring a longer history" + (f", or replay --horizons {shorter}." if shorter else ".")

    def _enough_weeks(self, horizon: int) -> date:
        """The day from which on there are enough Mondays to train on."""
        day = _first_day(self.first)
        return mondays(day, day + WEEK)[0] + (weeks_needed(horizon) - 1) * WEEK + timedelta(days=horizon)


@cache
def weeks_needed(horizon: int) -> int:
    """The fewest weeks of labelled Mondays that can be split into folds and hold-out."""
    weeks = np.datetime64("2018-01-01", "D") + 7 * np.arange(LONGEST)
    for count in range(MIN_WEEKS, LONGEST):
        try:
            by_origin(weeks[:count], horizon)
        except TrainingError:
            continue
        return count
    return LONGEST


def days_to_replay(
    tables: Tables, since: date | None, horizons: Sequence[int]
) -> tuple[list[date], list[str]]:
    """The Mondays, and what must be said of the date asked for.

    Args:
        since: default: a year before the newest Monday, or the first one that can be replayed.

    Raises:
        InputError: files without dates of trips, a date after the newest Monday, or one before the first
            that can be replayed.
    """
    if tables.profile == TAKEHOME:
        raise InputError(
            "The take-home files have no trip dates: what was known on a past Monday, and what came of it, "
            "cannot be told.",
            "Bring a trip earnings export or the canonical files.",
        )
    newest = tables.snapshot.date()
    newest -= timedelta(days=newest.weekday())
    history = History.of(tables)
    earliest = min((day for h in horizons if (day := history.earliest(h)) is not None), default=None)
    shortest = min(horizons)
    if earliest is None or earliest > newest:
        raise InputError(
            f"No Monday can be replayed: {not_replayed(tables, shortest, newest)}",
            history.shortfall(newest, shortest),
        )
    if since is None:
        return mondays(max(earliest, newest - A_YEAR * WEEK), newest), []
    if since > newest:
        raise InputError(
            f"{since} lies after {newest}, the newest Monday of the files (snapshot of "
            f"{tables.snapshot:%Y-%m-%d}): there is nothing to replay.",
            f"Give --since {earliest} or later, up to {newest}.",
        )
    days = mondays(since, newest)
    if days[0] < earliest:
        raise InputError(
            f"{days[0]} is too early to replay: on that Monday the files knew "
            f"{_weeks_over(history.weeks(days[0], shortest), shortest, 'was', 'were')}; a model "
            f"needs {weeks_needed(shortest)}, and {MIN_TRIPS} finished trips; known then: "
            f"{_trips(tables, days[0])}.",
            f"Give --since {earliest} or later.",
        )
    moved = [f"{since} is no Monday: replayed from the next one, {days[0]}."] if days[0] != since else []
    return days, moved


def undated(tables: Tables) -> list[str]:
    """What the files cannot tell of past Mondays, in sentences."""
    rows, found = tables.reservations, []
    sources = dict(rows["booked_at_source"].value_counts().iter_rows())
    if none := sources.get(UNDATED, 0):
        found.append(
            f"{none} of {counted(len(rows), 'reservation')} {by_number(none, 'has', 'have')} no booking "
            "date: each counts as booked when its trip starts, so what was on the books before is not known "
            "and not used. What can be replayed is the forecast from past trips, as `turo forecast` makes it "
            "of these files."
        )
    if sources.get(ID_BOUND, 0) + sources.get(SEEN, 0):
        found.append(
            "Exports have no booking dates: a reservation counts as booked from the day that the order of "
            "the Reservation IDs or an older export proves, never too early, at times too late."
        )
    lost = rows.filter(cancelled(), pl.col("cancelled_at").is_null()).height
    if lost:
        found.append(
            f"{counted(lost, 'cancelled reservation')} {by_number(lost, 'has', 'have')} no date of "
            "cancellation: until its start each counts as booked, with the chance that earlier bookings tell."
        )
    return found


def not_replayed(tables: Tables, horizon: int, last: date) -> str:
    """Why no Monday up to the last one has a model of that horizon."""
    history, needed = History.of(tables), weeks_needed(horizon)
    weeks, trips = history.weeks(last, horizon), counted(_trips(tables, last), "finished trip")
    return (
        f"up to {last} there {by_number(weeks, 'is', 'are')} {_weeks_over(weeks, horizon, 'is', 'are')} "
        f"and {trips}; a model needs {needed} and {MIN_TRIPS}."
    )


def _weeks_over(weeks: int, horizon: int, one: str, several: str) -> str:
    """So many weeks to train on, with the verb of the days that were over."""
    days = f"{counted(horizon, 'day')} {by_number(horizon, one, several)}"
    return f"{counted(weeks, 'week')} of Mondays whose {days} over"


def _trips(tables: Tables, day: date) -> int:
    """Trips that are not cancelled and had ended by a day, 00:00."""
    ended = pl.col("trip_end") <= datetime.combine(day, time())
    return tables.reservations.filter(~cancelled(), ended).height


def _first_day(at: datetime) -> date:
    """The first day that begins at an instant or after it."""
    return at.date() if at.time() == time() else at.date() + timedelta(days=1)
