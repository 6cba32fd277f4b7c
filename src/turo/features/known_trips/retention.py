"""How likely a trip that is booked at an origin is kept until its start, by its lead and its age.

The share of earlier bookings, made about as long ahead, that were still booked when the same part of their
lead had passed, and of these the share that were kept until the start. Only bookings that started by the
origin count: their outcome was known then. A cancellation without a date is taken to be equally likely at
any time before the start or, where the time was booked anew, before that.

This looks ahead. Whether the trip is still booked at the origin is another question, and open only where
cancellations have no date: `survival` answers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from turo.features.time import DAY, Floats, Ints, first_at_or_after

if TYPE_CHECKING:
    from turo.features.known_trips.trips import Trips

LEAD_DAYS = (3, 7, 14, 30, 60)  # upper ends of the classes of lead, the time from booking to start
STAGES = 8  # equal parts of the lead
PRIOR = 20  # bookings: additive smoothing of a class's curve towards that of all bookings
UNIT = 1 << 28  # parts of a booking: sums of whole numbers are the same in any order, to 30 million rows


@dataclass(frozen=True)
class Retention:
    """`booked` (class of lead, STAGES + 1, origins): share still booked at each stage, 1 at the first."""

    booked: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame, origins: Ints) -> Retention:
        """Of the slim rows of the **whole** fleet."""
        names = ("known", "start", "left", "revised", "undated", "replaced")
        known, start, left, revised, undated, replaced = (rows[name].to_numpy() for name in names)
        off = left <= start  # off the books by its start, for whatever reason
        member = (known < start) & (known < left) & ~(revised & off)
        known, start, left, undated, replaced = (
            values[member] for values in (known, start, left, undated & ~revised, replaced)
        )
        lead = start - known
        until = np.clip((np.minimum(replaced, start) - known) / lead, 1 / UNIT, 1.0)
        shape = (len(LEAD_DAYS) + 1, len(origins) + 1)
        cell = _class(lead) * shape[1] + first_at_or_after(origins, start)
        counted: list[Floats] = []
        for stage in range(STAGES + 1):
            part = stage / STAGES
            dated = left > known + lead * stage // STAGES
            still = np.where(undated, np.maximum(1 - part / until, 0), dated)
            sums = np.bincount(cell, np.rint(still * UNIT), shape[0] * shape[1]).reshape(shape)
            counted.append(np.cumsum(sums, axis=1)[:, :-1] / UNIT)
        bookings = np.stack(counted, axis=1)
        everyone = bookings.sum(axis=0)
        overall = np.where(everyone[0] > 0, everyone / np.maximum(everyone[0], 1), 1.0)
        return cls((bookings + PRIOR * overall) / (bookings[:, :1] + PRIOR))

    def kept(self, rows: Trips, origin: Ints, at: Ints) -> Floats:
        """The chance of rows booked at `at`, the instant of the `origin`; 1 once a trip has started."""
        waiting = (rows.known <= at) & (at < rows.start)
        lead = np.where(waiting, rows.start - rows.known, 1)
        age = np.where(waiting, at - rows.known, 0) / lead * STAGES
        stage = np.minimum(age.astype(np.int64), STAGES - 1)
        group = _class(lead)
        before, after = self.booked[group, stage, origin], self.booked[group, stage + 1, origin]
        now = before + (after - before) * (age - stage)
        last = self.booked[group, STAGES, origin]
        return np.where(waiting & (now > 0), last / np.where(now > 0, now, 1.0), 1.0)


def _class(lead: Ints) -> Ints:
    return np.searchsorted(np.array(LEAD_DAYS, dtype=np.int64) * DAY, lead, side="left")
