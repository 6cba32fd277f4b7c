"""Two days of each vehicle for its next service: in the gap that bookings are least likely to want."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import polars as pl

SERVICE_DAYS = 2  # that a workshop needs, with the ways there


def with_service_slots(rows: pl.DataFrame, snapshot: datetime) -> pl.DataFrame:
    """The gaps, in the same order, with service_slot (of each vehicle at most one is true) and its days.

    A slot is the first `SERVICE_DAYS` whole days of a gap, from the day after the snapshot on; a gap without
    so many has none. Of the others the vehicle's one least likely to get any booking is taken; of equal
    ones, in whole per cent, the shortest, then the earliest. A gap that the shortest trip does not fit into
    can hardly be booked: without a share of its own it counts as none. Where no share is known no slot is
    proposed.

    Args:
        rows: vehicle_id, start, end (instants), days, fits, any_booking.

    Returns:
        Also slot_start and slot_end: its first and its last day; null elsewhere.
    """
    tomorrow = datetime.combine(snapshot, time()) + timedelta(days=1)
    begin = pl.max_horizontal("start", pl.lit(tomorrow, pl.Datetime("us")))
    first = (begin + pl.duration(days=1, microseconds=-1)).dt.truncate("1d")  # midnight then or next
    last = first + pl.duration(days=SERVICE_DAYS - 1)
    wanted = pl.when("fits").then(pl.col("any_booking")).otherwise(pl.col("any_booking").fill_null(0.0))
    order = (
        rows.with_row_index("place")
        .filter(last + pl.duration(days=1) <= pl.col("end"))
        .with_columns(wanted.round(2).alias("wanted"))
        .drop_nulls("wanted")
        .sort("wanted", "days", "start")
    )
    chosen = order.unique("vehicle_id", keep="first", maintain_order=True)["place"]
    slot = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(chosen.implode())
    return rows.with_columns(slot.alias("service_slot")).with_columns(
        pl.when("service_slot").then(day.dt.date()).alias(name)
        for name, day in (("slot_start", first), ("slot_end", last))
    )
