"""Prefix sums of trips: running totals at given instants, so that the total of a window is one subtraction.

A group of trips is those of a vehicle, or those known of it at one origin. Occupied time is in whole
microseconds, so sums are exact however the work was split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turo.features.known_trips.intervals import spans, without_overlap
from turo.features.known_trips.trips import Trips
from turo.features.time import Floats, Ints

NOTHING = np.iinfo(np.int64).min
CENTIS = 10_000  # money that must add up exactly is kept in hundredths of a cent


@dataclass(frozen=True)
class PrefixSums:
    """Totals (groups, instants): column k holds what lies before `instants[k]`. Time in microseconds."""

    instants: Ints  # ascending; time in trips before the first does not count, all else does
    occupied: Floats  # union of the trips
    started: Floats  # trips begun
    revenue: Floats  # base revenue, pro rata by time
    unpriced: Floats  # time of trips without a known price
    returned: Floats  # trips ended
    returned_time: Floats  # their lengths
    returned_base: Floats  # base revenue of the priced ones, hundredths of a cent
    returned_priced: Floats  # lengths of the priced ones
    latest_end: Ints  # latest end among the trips begun; NOTHING where none

    @classmethod
    def of(cls, trips: Trips, group: Ints, groups: int, instants: Ints) -> PrefixSums:
        """Add up trips, sorted by `group` and then start."""
        start, end = trips.start, trips.end
        length = (end - start).astype(np.float64)
        priced = ~np.isnan(trips.base)
        base = np.where(priced, trips.base, 0.0)
        row, cell, time = _cut(start, end, instants)
        piece_row, piece_cell, piece_time = _cut(without_overlap(group, start, end), end, instants)
        begun, over = (np.searchsorted(instants, moment, side="right") for moment in (start, end))

        def total(group: Ints, column: Ints, weight: Floats | None = None) -> Floats:
            return _running(group, column, weight, (groups, len(instants)))

        return cls(
            instants=instants,
            occupied=total(group[piece_row], piece_cell + 1, piece_time),
            started=total(group, begun),
            revenue=total(group[row], cell + 1, time * (base / length)[row]),
            unpriced=total(group[row], cell + 1, time * ~priced[row]),
            returned=total(group, over),
            returned_time=total(group, over, length),
            returned_base=total(group, over, np.rint(base * CENTIS)),
            returned_priced=total(group, over, length * priced),
            latest_end=_latest(group, begun, end, (groups, len(instants))),
        )

    def before(self, totals: Floats | Ints, at: Ints) -> Floats:
        """The totals before instants: `at` (n,) for every group, or (groups, 1) one instant a group."""
        column = np.searchsorted(self.instants, at)
        if not np.array_equal(self.instants[column], at):
            raise KeyError("an instant that these prefix sums were not made for")
        found = (
            np.take(totals, column, axis=1) if at.ndim == 1 else np.take_along_axis(totals, column, axis=1)
        )
        return found.astype(np.float64, copy=False)

    def within(self, totals: Floats, start: Ints, end: Ints) -> Floats:
        """The totals in the windows [start, end)."""
        return self.before(totals, end) - self.before(totals, start)

    def latest(self, at: Ints) -> Floats:
        """The latest end of the trips begun before `at`, NaN where there is none."""
        found = self.before(self.latest_end, at)
        return np.where(found == NOTHING, np.nan, found)


def counted(group: Ints, moment: Ints, groups: int, instants: Ints) -> Floats:
    """(groups, instants): events before each instant."""
    return _running(group, np.searchsorted(instants, moment, side="right"), None, (groups, len(instants)))


def _running(group: Ints, column: Ints, weight: Floats | None, shape: tuple[int, int]) -> Floats:
    """Sum by group and column, then along the columns; what lies after the last column is left out."""
    inside = column < shape[1]
    cell = group[inside] * shape[1] + column[inside]
    sums = np.bincount(cell, None if weight is None else weight[inside], shape[0] * shape[1])
    return np.cumsum(sums.reshape(shape), axis=1, dtype=np.float64)


def _latest(group: Ints, column: Ints, end: Ints, shape: tuple[int, int]) -> Ints:
    latest = np.full(shape, NOTHING)
    inside = column < shape[1]
    np.maximum.at(latest, (group[inside], column[inside]), end[inside])
    return np.maximum.accumulate(latest, axis=1)


def _cut(start: Ints, end: Ints, instants: Ints) -> tuple[Ints, Ints, Floats]:
    """Cut [start, end) at the instants: (row, cell, time), cell c being [instants[c], instants[c + 1])."""
    first = np.maximum(np.searchsorted(instants, start, side="right") - 1, 0)
    stop = np.minimum(np.searchsorted(instants, end, side="left"), len(instants) - 1)
    row, cell = spans(first, np.where(end > start, stop, first))
    time = np.minimum(end[row], instants[cell + 1]) - np.maximum(start[row], instants[cell])
    return row, cell, time.astype(np.float64)
