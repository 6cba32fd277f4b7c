"""When a trip was booked, where the export does not say: a bound from the order of Reservation IDs.

IDs are given in the order of booking, all hosts together, about 35,000 a day. So a reservation was booked
before every later one, hence before the earliest start among those with an ID at least as large, and
before the end of the day of the first export that has it. The bound is never earlier than the booking,
only later: features that use it see bookings late, never early.

One wrong early start on a large ID would pull all earlier bounds down and leak the future. So rows whose
bound of their own lies over a day before the booking time that an ID clock gives them are left out.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from turo.data.reading import Reading, few

IDS_PER_DAY = 35_000.0
BIN = 50  # rows a point of the clock is made of
LOWEST = 1  # the second earliest start of a bin is its booking time: the earliest may be a slip
MARGIN = 1.0  # days
SMALL = 10  # rows; below, there is no clock

Floats = NDArray[np.float64]
DAY_US = 86_400_000_000.0


def with_booking_times(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Add `booked_at` and `booked_at_source` (`id_bound`, or `snapshot` where an export proves more).

    Args:
        rows: accepted rows of all cars: reservation_id (digits), trip_start, first_seen.
    """
    ids = rows["reservation_id"].cast(pl.Int64)
    order = ids.arg_sort()
    start = rows["trip_start"].gather(order).cast(pl.Int64).to_numpy() / DAY_US
    seen = rows["first_seen"].gather(order).cast(pl.Int64).to_numpy() / DAY_US
    own = np.minimum(start, seen)
    early = own < id_clock(ids.gather(order).to_numpy().astype(np.float64), start) - MARGIN
    if early.any():
        left_out = rows["reservation_id"].gather(order).filter(pl.Series(early))
        reading.warn(
            f"{int(early.sum())} reservations start before their ID was given out ({few(left_out)}): "
            "kept, but they do not bound when others were booked."
        )
    by_start = np.minimum(_earliest_from(np.where(early, np.inf, start)), start)
    by_both = np.minimum(_earliest_from(np.where(early, np.inf, own)), own)
    back = np.argsort(order.to_numpy())
    latest = np.minimum(by_both, seen.max())[back]
    proven = (by_both < np.minimum(by_start, seen.max()))[back]
    return rows.with_columns(
        booked_at=pl.Series(np.round(latest * DAY_US).astype(np.int64)).cast(pl.Datetime("us")),
        booked_at_source=pl.select(
            pl.when(pl.Series(proven)).then(pl.lit("snapshot")).otherwise(pl.lit("id_bound"))
        ).to_series(),
    )


def id_clock(ids: Floats, start: Floats) -> Floats:
    """Booking time in days that each ID (ascending) tells, from the earliest starts of neighbouring IDs.

    A robust line through the low ends of bins, bent by what each bin's low end differs from it.
    """
    if len(ids) < SMALL:
        return np.full(len(ids), -np.inf)
    bins = np.array_split(np.arange(len(ids)), max(len(ids) // BIN, 1))
    middle = np.array([np.median(ids[part]) for part in bins])
    rate = 1 / IDS_PER_DAY
    for _ in range(2):
        low = np.array(
            [
                np.sort(start[part] - rate * (ids[part] - m))[LOWEST]
                for part, m in zip(bins, middle, strict=True)
            ]
        )
        rate = _slope(middle, low, rate)
    off = low - rate * middle
    return rate * ids + np.interp(ids, middle, _median_of_three(off))


def _slope(x: Floats, y: Floats, default: float) -> float:
    """Theil-Sen slope; the default for fewer than four points."""
    if len(x) < 4:
        return default
    first, second = np.triu_indices(len(x), k=1)
    if len(first) > 200_000:
        pick = np.linspace(0, len(first) - 1, 200_000).astype(np.int64)
        first, second = first[pick], second[pick]
    apart = x[second] > x[first]
    slope = float(np.median((y[second] - y[first])[apart] / (x[second] - x[first])[apart]))
    return slope if slope > 0 else default


def _median_of_three(values: Floats) -> Floats:
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)


def _earliest_from(values: Floats) -> Floats:
    """Minimum over each element and all that follow it."""
    return np.minimum.accumulate(values[::-1])[::-1]
