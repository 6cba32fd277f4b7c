"""The clock in Reservation IDs: when each was given out, read off the earliest starts of trips beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IDS_PER_DAY = 35_000.0
BIN = 50  # rows a point of the clock is made of
LOWEST = 1  # the second earliest start of a bin is its booking time: the earliest may be a slip
SMALL = 10  # rows; below, there is no clock

Floats = NDArray[np.float64]


def id_clock(at: Floats, start: Floats, on: NDArray[np.bool_]) -> Floats:
    """Booking time in days that each ID (ascending) tells, from the earliest starts of neighbouring IDs.

    A robust line through the low ends of bins, bent by what each bin's low end differs from it. Only the
    rows that are `on` the clock make it; -inf where they are too few.
    """
    ids, start = at[on], start[on]
    if len(ids) < SMALL:
        return np.full(len(at), -np.inf)
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
    return rate * at + np.interp(at, middle, _median_of_three(off))


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
