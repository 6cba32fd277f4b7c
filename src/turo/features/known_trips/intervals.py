"""Intervals of time in groups: repeat rows over origins, cut overlaps away so that a union can be summed."""

from __future__ import annotations

import numpy as np

from turo.features.time import Ints


def spans(first: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Repeat row r once for each number in [first[r], stop[r]): (row, number), in ascending row order."""
    counts = np.maximum(stop - first, 0)
    row = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    begins = np.cumsum(counts) - counts
    return row, np.arange(len(row), dtype=np.int64) - begins[row] + first[row]


def latest_before(group: Ints, end: Ints, nothing: int) -> Ints:
    """For each row the largest `end` of the earlier rows of its group, `nothing` for the first row.

    Rows of a group must be neighbours. Doubling steps: O(n log of the longest group), exact in integers.
    """
    best = end.copy()
    step = 1
    while step < len(best):
        same = group[step:] == group[:-step]
        if not same.any():
            break
        lifted = np.where(same, np.maximum(best[step:], best[:-step]), best[step:])
        best[step:] = lifted
        step *= 2
    before = np.full_like(best, nothing)
    before[1:] = np.where(group[1:] == group[:-1], best[:-1], nothing)
    return before


def without_overlap(group: Ints, start: Ints, end: Ints) -> Ints:
    """Starts moved so that the pieces [result, end) of a group are disjoint and their union is unchanged.

    Rows must be sorted by group, then start. A piece swallowed whole gets a start at or after its end.
    """
    return np.maximum(start, latest_before(group, end, np.iinfo(np.int64).min))
