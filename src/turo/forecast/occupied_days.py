"""Days taken by intervals, by vehicle and window: for the calendar, and for blocked days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.features.known_trips.intervals import spans, without_overlap
from turo.features.time import DAY, Floats, instant


def trips(reservations: pl.DataFrame) -> pl.DataFrame:
    """vehicle_id, start, end of the reservations that are not cancelled, as the file knows them."""
    kept = reservations.filter(~cancelled())
    return kept.select("vehicle_id", pl.col("trip_start").alias("start"), pl.col("trip_end").alias("end"))


def taken_days(
    intervals: pl.DataFrame, vehicles: Sequence[str], first: date, count: int, length: int = 7
) -> Floats:
    """Days (vehicles, windows) covered by the union of a vehicle's intervals, as fractions of 24 h.

    Args:
        intervals: vehicle_id, start, end; vehicles not in `vehicles` are left out.
        first: midnight at which the first window begins.
        count: number of windows.
        length: days of one window.
    """
    begin, step = instant(first), length * DAY
    places = pl.DataFrame({"vehicle_id": list(vehicles), "number": np.arange(len(vehicles), dtype=np.int64)})
    rows = (
        intervals.join(places, "vehicle_id")
        .select("number", pl.col("start").dt.epoch("us"), pl.col("end").dt.epoch("us"))
        .filter((pl.col("end") > begin) & (pl.col("start") < begin + count * step))
        .sort("number", "start", "end")
    )
    vehicle, start, end = (rows[name].to_numpy().astype(np.int64) for name in ("number", "start", "end"))
    start, end = np.maximum(start, begin), np.minimum(end, begin + count * step)
    piece = without_overlap(vehicle, start, end)
    row, window = spans((piece - begin) // step, -((begin - end) // step))
    opens = begin + window * step
    time = np.minimum(end[row], opens + step) - np.maximum(piece[row], opens)
    total = np.zeros((len(vehicles), count))
    np.add.at(total, (vehicle[row], window), np.maximum(time, 0) / DAY)
    return total
