"""What proves that a trip is still booked or was cancelled, where no date of cancellation does."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.features.time import NEVER, Ints


def sighted(sightings: pl.DataFrame) -> pl.DataFrame:
    """reservation_id, seen_from, seen_to: the run of exports, one after the other, that show it booked.

    An export that lacks the trip ends the run, so what a later one shows moves nothing at earlier origins.
    """
    number = (pl.col("seen").rank("dense") - 1).cast(pl.Int64)
    rank = pl.int_range(pl.len()).over("reservation_id")
    runs = sightings.unique().sort("reservation_id", "seen").with_columns(number=number - rank)
    first = runs.filter(pl.col("number") == pl.col("number").first().over("reservation_id"))
    seen = pl.col("seen").dt.epoch("us")
    return first.group_by("reservation_id").agg(seen_from=seen.min(), seen_to=seen.max())


def replaced(rows: pl.DataFrame) -> Ints:
    """When a later booking of the same vehicle for some of the same time became known; NEVER where none did.

    A vehicle is let once at a time, so the earlier booking was cancelled by then. Of bookings that became
    known together the larger `number` is the later one.

    Args:
        rows: vehicle_id, start, end, known, number; sorted by vehicle_id and start.
    """
    start, end, known, number = (rows[name].to_numpy() for name in ("start", "end", "known", "number"))
    vehicle = rows["vehicle_id"].rle_id().to_numpy()
    found = np.full(len(rows), NEVER)
    first = np.arange(len(rows))
    step = 1
    while len(first):
        first = first[first + step < len(rows)]
        other = first + step
        overlap = (vehicle[first] == vehicle[other]) & (
            start[other] < end[first]
        )  # else none further on does
        first, other = first[overlap], other[overlap]
        later = (known[other] > known[first]) | (
            (known[other] == known[first]) & (number[other] > number[first])
        )
        earlier = ~later & ((known[other] < known[first]) | (number[other] < number[first]))
        np.minimum.at(found, first[later], known[other[later]])
        np.minimum.at(found, other[earlier], known[first[earlier]])
        step += 1
    return found
