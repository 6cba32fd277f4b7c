"""How likely a trip on the books is still booked, where the file does not say when trips were cancelled.

An export shows that a trip was cancelled, not when. At an origin T such a trip stays on the books until its
start, so the books of the past hold trips that were cancelled by then. A trip whose vehicle was booked anew
for some of the same time is known to be cancelled. Any other is still booked with the chance

    S = (1 - p * u) / (1 - p * d),    u = (T - known) / (start - known)

d is u at the last export that showed it booked, 0 without. p is what earlier bookings tell, made about as
long ahead, that had come to the same u without being booked over: those that started by T, whose outcome
was known then. A cancellation is taken to be equally likely at any time before the start or, where the time
was booked anew at w, before that: p = sum of 1/w over the cancelled ones / number of bookings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from turo.features.time import DAY, Flags, Floats, Ints, first_at_or_after

if TYPE_CHECKING:
    from turo.features.known_trips.trips import Trips

LEAD_DAYS = (3, 14, 45)  # upper ends of the classes of lead, the time from booking to start
STAGES = 8  # equal parts of the lead
PRIOR = 20  # bookings: additive smoothing of a class's share towards that of all bookings
UNIT = 1 << 28  # of 1/w, which is below 8: sums of whole numbers are the same in any order, to 4 million rows


@dataclass(frozen=True)
class Survival:
    """`chance`: p by (class of lead, stage, origin). `seen`: the newest export at each origin, 0 where none.

    `newest`: origins at which the snapshot itself tells what was cancelled, so that S is 1.
    """

    chance: Floats
    seen: Ints
    newest: Flags

    @classmethod
    def of(cls, rows: pl.DataFrame, sightings: pl.DataFrame | None, origins: Ints, newest: Flags) -> Survival:
        """Of the slim rows of the **whole** fleet."""
        exports = np.zeros(1, np.int64)
        if sightings is not None:
            exports = np.append(exports, sightings["seen"].unique().sort().dt.epoch("us").to_numpy())
        seen = exports[np.searchsorted(exports, origins, side="right") - 1]
        return cls(_chance(rows, origins), seen, newest)

    def alive(self, rows: Trips, origin: Ints, at: Ints) -> Floats:
        """S of rows on the books at `at`, the instant of the `origin`; 1 once a trip has started."""
        waiting = (rows.known <= at) & (at < rows.start) & ~self.newest[origin]
        lead = np.where(waiting, rows.start - rows.known, 1)
        age = np.where(waiting, at - rows.known, 0)
        export = self.seen[origin]
        shown = np.where(export < rows.seen_from, rows.known, np.minimum(export, rows.seen_to))
        proven = np.clip(shown - rows.known, 0, age)
        lost = self.chance[_class(lead), np.maximum(-(-age * STAGES // lead) - 1, 0), origin]
        alive = (1 - lost * (age / lead)) / (1 - lost * (proven / lead))
        return np.where(waiting, np.where(rows.replaced <= at, 0.0, alive), 1.0)


def _chance(rows: pl.DataFrame, origins: Ints) -> Floats:
    names = ("known", "start", "left", "revised", "undated", "replaced")
    known, start, left, revised, undated, replaced = (rows[name].to_numpy() for name in names)
    reached = (known < start) & ~(revised & (left <= start))  # by these dates, on the books until its start
    cancelled = undated & ~revised
    lead = np.maximum(start - known, 1)
    until = np.where(cancelled & (replaced < start), (replaced - known) / lead, 1.0)
    shape = (len(LEAD_DAYS) + 1, len(origins) + 1)
    cell = _class(lead) * shape[1] + first_at_or_after(origins, start)
    share: list[Floats] = []
    for stage in range(1, STAGES + 1):
        there = reached & ((until > stage / STAGES) | (until == 1))

        def total(weight: Floats, members: Flags) -> Floats:
            counted = np.bincount(cell[members], weight[members], shape[0] * shape[1])
            return np.cumsum(counted.reshape(shape), axis=1, dtype=np.float64)[:, :-1]

        bookings = total(np.ones(len(cell)), there)
        lost = total(np.rint(UNIT / np.where(until > 0, until, 1)), there & cancelled) / UNIT
        overall = lost.sum(axis=0) / np.maximum(bookings.sum(axis=0), 1)
        share.append((lost + PRIOR * overall) / (bookings + PRIOR))
    return np.stack(share, axis=1)


def _class(lead: Ints) -> Ints:
    return np.searchsorted(np.array(LEAD_DAYS, dtype=np.int64) * DAY, lead, side="left")
