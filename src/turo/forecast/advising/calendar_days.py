"""Days that are in the calendar now, whether or not the file says when they were booked."""

from __future__ import annotations

from datetime import date

import polars as pl

from turo.data.tables import UNDATED, Tables
from turo.forecast.occupied_days import taken_days, trips


def in_calendar(source: Tables, rows: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """The forecast's rows with `calendar`, days of the window, and `unseen`, those of them without a date.

    A trip whose booking date is not known is on no books, so a forecast does not know of it.
    """
    origin: date = rows["origin_date"][0]
    ids = rows["vehicle_id"].to_list()
    undated = source.reservations.filter(
        pl.col("booked_at").is_null() | pl.col("booked_at_source").eq_missing(UNDATED)
    )
    calendar, unseen = (
        taken_days(trips(part), ids, origin, 1, horizon)[:, 0] for part in (source.reservations, undated)
    )
    return rows.with_columns(pl.Series("calendar", calendar), pl.Series("unseen", unseen))
