"""Which Reservation IDs are not Turo's: a host's own bookings, under numbers of the host's, in an export.

Turo gives out about 35,000 IDs a day, all hosts together, and nobody can book over a year ahead. So an ID
tells when a trip was booked, once the majority of a file shows where the clock stands. A number that tells
of a booking far longer before its trip than Turo allows, or far behind it, was given out by somebody else;
so were neighbouring numbers that Turo would give out within minutes, on trips that lie months apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from turo.data.export.id_clock import IDS_PER_DAY, Floats, id_clock

MAX_LEAD = 400.0  # days from a booking to its trip
ROUNDS = 10
RUN = 4  # neighbouring numbers that are looked at together
DENSER = 500  # times as near to one another as is usual in the file
SPREAD = 30.0  # days between the starts of a run; one guest may book several vehicles at once
TURO_IDS = (1e7, 1e8)  # 8 digits: which of two equally large groups is Turo's

Flags = NDArray[np.bool_]


class ClockFit(NamedTuple):
    """The clock fitted to the IDs of a file, in their order, and the rows that do not follow it."""

    off: Flags  # not on the clock
    ahead: Flags  # of a clock time that lies far behind the trip's start
    clock: Floats  # booking time in days, -inf where too few rows tell it


def fit_clock(ids: Floats, start: Floats) -> ClockFit:
    """Fit the clock to the majority of the rows; mark those that do not follow it.

    Args:
        ids: ascending.
        start: of the trips, in days.
    """
    majority = _majority(ids, start)
    anchor = start - ids / IDS_PER_DAY
    packed = _packed(ids, start, np.abs(anchor - np.median(anchor[majority])) <= 2 * MAX_LEAD)
    on = majority & ~packed
    for _ in range(ROUNDS):
        lead = start - _booked(ids, start, on)
        follows = ~packed & (np.abs(lead) <= MAX_LEAD)
        if (follows == on).all():
            break
        on = follows
    return ClockFit(packed | (lead > MAX_LEAD), ~packed & (lead < -MAX_LEAD), id_clock(ids, start, on))


def _booked(ids: Floats, start: Floats, on: Flags) -> Floats:
    """The clock; where too few rows are on it for one, a line of the usual rate below them."""
    clock = id_clock(ids, start, on)
    if np.isfinite(clock).all():
        return clock
    anchor = start - ids / IDS_PER_DAY
    return ids / IDS_PER_DAY + anchor[on].min()


def _majority(ids: Floats, start: Floats) -> Flags:
    """The largest group of rows whose bookings can all lie within the longest lead before their trips."""
    anchor = start - ids / IDS_PER_DAY
    candidates = np.sort(anchor)
    ends = np.searchsorted(candidates, candidates + MAX_LEAD, side="right")
    size = (ends - np.arange(len(candidates))).astype(np.float64)
    usual = np.sort(anchor[(ids >= TURO_IDS[0]) & (ids < TURO_IDS[1])])
    within = np.searchsorted(usual, candidates + MAX_LEAD, side="right") - np.searchsorted(usual, candidates)
    best = candidates[np.argmax(size + within / (2 * len(ids)))]
    chosen: Flags = (anchor >= best) & (anchor <= best + MAX_LEAD)
    return chosen


def _packed(ids: Floats, start: Floats, among: Flags) -> Flags:
    """Rows in a run of numbers far nearer to one another than is usual here, under trips far apart."""
    found = np.zeros(len(ids), dtype=np.bool_)
    rows = np.flatnonzero(among)
    if len(rows) < 2 * RUN:
        return found
    spans = ids[rows[RUN - 1 :]] - ids[rows[: 1 - RUN]]
    tight = np.flatnonzero(spans < np.median(spans) / DENSER)
    for run in np.split(tight, np.flatnonzero(np.diff(tight) >= RUN) + 1):
        if len(run) and np.ptp(start[rows[run[0] : run[-1] + RUN]]) > SPREAD:
            found[rows[run[0] : run[-1] + RUN]] = True
    return found
