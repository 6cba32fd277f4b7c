"""Days on the books of weeks to come, as they were known at each Monday: by group, Monday and lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turo.data.tables import Tables
from turo.features.known_trips.intervals import spans
from turo.features.known_trips.survival import Survival
from turo.features.known_trips.trips import Trips, slim
from turo.features.time import DAY, NEVER, WEEK, Floats, Ints, instant, weeks_until
from turo.forecast.answers.listed_spans import ListedSpans

WEEKS = 13  # leads: 0 is the week that begins at the Monday itself


@dataclass(frozen=True)
class LeadBooks:
    """Arrays (groups, Mondays, WEEKS); group 0 is the fleet, the others are `names[1:]`.

    Attributes:
        origins: Mondays in µs, ascending.
        days: on the books at the Monday of the week that begins `lead` weeks after it.
        listed: vehicle-days of that week, of vehicles that were listed by the Monday.
    """

    names: list[str]
    origins: Ints
    days: Floats
    listed: Floats

    def until(self, last: int) -> LeadBooks:
        """Without the Mondays after place `last`."""
        end = last + 1
        return LeadBooks(self.names, self.origins[:end], self.days[:, :end], self.listed[:, :end])


def lead_books(tables: Tables, fleet: ListedSpans, origin: int, most: int) -> LeadBooks:
    """Count the books by the rules of the features: a booking counts from its date until it was cancelled.

    A cancellation without a date counts by its survival, the chance that it was still booked then.

    Args:
        origin: the last Monday, an instant.
        most: how many Mondays at most; none before the first trip of the file was over.
    """
    import polars as pl

    rows = slim(tables.reservations, tables.revisions, tables.sightings)
    first = int(rows["end"].min() or origin)  # type: ignore[arg-type]
    count = int(np.clip((origin - first) // WEEK + 1, 1, most))
    origins = weeks_until(origin, count)
    newest = (instant(tables.snapshot) - origins < WEEK) & (origins + WEEKS * WEEK > instant(tables.snapshot))
    survival = Survival.of(rows, tables.sightings, origins, newest) if rows["undated"].any() else None
    rows = rows.filter(pl.col("end") > origins[0], pl.col("start") < origin + WEEKS * WEEK)
    found = Trips.of(rows, pl.Series(fleet.ids))
    row, week = spans(
        np.maximum((found.start - origins[0]) // WEEK, 0),
        np.minimum(-((origins[0] - found.end) // WEEK), count + WEEKS - 1),
    )
    found = found.take(row)
    opens = origins[0] + week * WEEK
    inside = (np.minimum(found.end, opens + WEEK) - np.maximum(found.start, opens)) / DAY
    groups = len(fleet.classes) + 1
    cell = (fleet.group[found.vehicle] + 1) * count
    days = np.zeros((groups, count, WEEKS))
    for lead in range(WEEKS):
        seen = np.flatnonzero((week >= lead) & (week - lead < count))
        place = week[seen] - lead
        at = origins[place]
        here = found.take(seen)
        weight = inside[seen] * here.alive(at)
        if survival is not None:
            weight = weight * np.where(newest[place] & here.undated, 0.0, survival.alive(here, place, at))
        days[:, :, lead] = np.bincount(cell[seen] + place, weight, groups * count).reshape(groups, count)
    return LeadBooks(["", *fleet.classes], origins, _with_fleet(days), _listed(fleet, origins))


def _listed(fleet: ListedSpans, origins: Ints) -> Floats:
    """Vehicle-days (groups, Mondays, WEEKS)."""
    count = len(origins)
    weeks = weeks_until(int(origins[-1]) + (WEEKS - 1) * WEEK, count + WEEKS - 1)
    until = np.where(fleet.until == NEVER, weeks[-1] + WEEK, fleet.until)
    there = np.minimum(until[:, None], weeks + WEEK) - np.maximum(fleet.since[:, None], weeks)
    share = np.maximum(there, 0) / DAY
    known = fleet.since[:, None] <= origins
    member = (fleet.group + 1 == np.arange(len(fleet.classes) + 1)[:, None]).astype(np.float64)
    listed = [member @ (known * share[:, lead : lead + count]) for lead in range(WEEKS)]
    return _with_fleet(np.stack(listed, axis=2))


def _with_fleet(by_class: Floats) -> Floats:
    """Place 0 holds vehicles without a class until here, and all of them after."""
    by_class[0] = by_class.sum(axis=0)
    return by_class
