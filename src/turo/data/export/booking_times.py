"""When a trip was booked, where the export does not say: a bound from the order of Reservation IDs.

IDs are given in the order of booking, all hosts together, about 35,000 a day. So a reservation was booked
before every later one, hence before the earliest start among those with an ID at least as large, and
before the end of the day of the first export that has it. The bound is never earlier than the booking,
only later: features that use it see bookings late, never early.

One wrong early start on a large ID would pull all earlier bounds down and leak the future. So rows whose
bound of their own lies over a day before the booking time that an ID clock gives them are left out. Numbers
that are not on that clock at all (see `own_bookings`) tell nothing: such a booking is unknown until its trip
starts, or an export shows it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.data.export.id_clock import Floats
from turo.data.export.own_bookings import Flags, fit_clock
from turo.data.read_context import ReadContext, few
from turo.data.tables import ID_BOUND, SEEN
from turo.words import by_number, counted

MARGIN = 1.0  # days
NAMED = 20  # numbers in the warnings about them
DAY_US = 86_400_000_000.0


def with_booking_times(rows: pl.DataFrame, context: ReadContext) -> pl.DataFrame:
    """Add `booked_at` and `booked_at_source` (`id_bound`, or `snapshot` where an export proves more).

    Args:
        rows: accepted rows of all vehicles: reservation_id (digits), trip_start, first_seen.
    """
    ids = rows["reservation_id"].cast(pl.Int64)
    order = ids.arg_sort()
    start = rows["trip_start"].gather(order).cast(pl.Int64).to_numpy() / DAY_US
    seen = rows["first_seen"].gather(order).cast(pl.Int64).to_numpy() / DAY_US
    own = np.minimum(start, seen)
    fit = fit_clock(ids.gather(order).to_numpy().astype(np.float64), start)
    early = ~fit.off & (fit.ahead | (own < fit.clock - MARGIN))
    _warn(rows["reservation_id"].gather(order), early, fit.off, context)
    by_start, by_both = (_bound(times, early, fit.off) for times in (start, own))
    back = np.argsort(order.to_numpy())
    latest = np.minimum(by_both, seen.max())[back]
    proven = (by_both < np.minimum(by_start, seen.max()))[back]
    return rows.with_columns(
        booked_at=pl.Series(np.round(latest * DAY_US).astype(np.int64)).cast(pl.Datetime("us")),
        booked_at_source=pl.select(
            pl.when(pl.Series(proven)).then(pl.lit(SEEN)).otherwise(pl.lit(ID_BOUND))
        ).to_series(),
    )


def _bound(times: Floats, early: Flags, off: Flags) -> Floats:
    """The earliest of its own time and those of all later IDs that are on the clock; its own if it is not."""
    later = _earliest_from(np.where(early | off, np.inf, times))
    return np.where(off, times, np.minimum(later, times))


def _warn(ids: pl.Series, early: Flags, off: Flags, context: ReadContext) -> None:
    """Name the reservations that do not bound others."""
    if count := int(early.sum()):
        context.warn(
            f"{counted(count, 'reservation')} {by_number(count, 'starts before its', 'start before their')} "
            f"ID was given out ({few(ids.filter(pl.Series(early)), NAMED)}): "
            f"kept, but {by_number(count, 'it does', 'they do')} not bound when others were booked."
        )
    if count := int(off.sum()):
        context.warn(
            f"{counted(count, 'reservation')} "
            f"{by_number(count, 'has a number that is', 'have numbers that are')} not on Turo's clock, as a "
            f"host's own bookings do ({few(ids.filter(pl.Series(off)), NAMED)}): kept, but each counts as "
            "booked when its trip starts or an export first shows it, and "
            f"{by_number(count, 'it does', 'they do')} not bound when others were booked."
        )


def _earliest_from(values: Floats) -> Floats:
    """Minimum over each element and all that follow it."""
    return np.minimum.accumulate(values[::-1])[::-1]
