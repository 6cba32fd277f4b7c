"""Time as the features see it: naive local wall clock in whole microseconds, origins on Mondays at 00:00."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY = 86_400_000_000
WEEK = 7 * DAY
NEVER = 2**62  # later than any date, and still far from overflow when days are added
_EPOCH = datetime(1970, 1, 1)
_FIRST_MONDAY = 4 * DAY  # 1970-01-05


def instant(moment: date | datetime) -> int:
    """Microseconds since 1970 of a naive local moment; a date means its midnight."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return (moment.replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)


def day_of(instants: Ints) -> Ints:
    """Days since 1970 of instants at midnight (or of the midnight before)."""
    return np.floor_divide(instants, DAY)


def as_date(instant_at: int) -> date:
    """The calendar date of an instant."""
    return (_EPOCH + timedelta(days=instant_at // DAY)).date()


def mondays(first: int, last: int) -> Ints:
    """All Mondays 00:00 in [first, last], ascending; empty where there is none."""
    begin = -(-(first - _FIRST_MONDAY) // WEEK) * WEEK + _FIRST_MONDAY
    return np.arange(begin, last + 1, WEEK, dtype=np.int64)


def weeks_until(last: int, count: int) -> Ints:
    """`count` origins one week apart, the last of them at `last`."""
    return last - WEEK * np.arange(count - 1, -1, -1, dtype=np.int64)


def first_at_or_after(origins: Ints, moments: Ints) -> Ints:
    """Index of the first weekly origin >= each moment, in 0..len(origins)."""
    return np.clip(-np.floor_divide(origins[0] - moments, WEEK), 0, len(origins))


def first_after(origins: Ints, moments: Ints) -> Ints:
    """Index of the first weekly origin > each moment, in 0..len(origins)."""
    return np.clip(np.floor_divide(moments - origins[0], WEEK) + 1, 0, len(origins))
