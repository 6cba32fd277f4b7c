"""Vehicles that look at rest: offered, and yet no trip for long and nothing ahead."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from turo.data.tables import Tables
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.listed_vehicles import last_trips
from turo.forecast.occupied_days import taken_days, trips

RESTS = 28  # offered days without a trip, and nothing ahead
LOOK_BACK = 364  # days


def resting(rows: pl.DataFrame, source: Tables) -> pl.DataFrame:
    """Vehicles that can be booked and look at rest; the rows of the forecast with `last_trip`.

    Days that the host had blocked are not silent: a trip was not possible. Where half of the past RESTS days
    were blocked the host knows of the rest, and there is nothing to ask.
    """
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, pl.Date).alias("last_trip"))
    origin: date = rows["origin_date"][0]
    booked = trips(source.reservations)
    begin = datetime.combine(origin, time())
    ahead = booked.filter(pl.col("end") > begin)["vehicle_id"].unique().implode()
    can = pl.col("flag").ne_missing(LOOKS_GONE) & (pl.col("available_days") > 0)
    free = rows.filter(can, ~pl.col("vehicle_id").is_in(ahead)).join(
        last_trips(booked, origin), "vehicle_id", how="left", maintain_order="left"
    )
    first = origin - timedelta(days=LOOK_BACK)
    open_ = np.ones((len(free), LOOK_BACK))
    if source.blocks is not None and len(free):
        open_ -= taken_days(source.blocks, free["vehicle_id"].to_list(), first, LOOK_BACK, 1)
    since = [max(((last or first) - first).days, 0) for last in free["last_trip"].to_list()]
    silent = np.array([days[start:].sum() for days, start in zip(open_, since, strict=True)])
    asked = (silent >= RESTS) & (open_[:, -RESTS:].sum(axis=1) > RESTS / 2)
    return free.filter(pl.Series(asked, dtype=pl.Boolean))
