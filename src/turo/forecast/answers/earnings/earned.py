"""Money earned, days booked and days available of each vehicle, by windows that end at the origin.

Money is the trip's price less discounts, spread evenly over the trip (total earnings where there is no
price); fees, reimbursements and what was paid for cancelled trips are not in it. Time that several trips of
a vehicle have counts once, at the mean of their prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import Tables
from turo.features.known_trips.intervals import spans
from turo.features.time import DAY, Floats, Ints, as_date
from turo.forecast.answers.earnings.single_days import since, single_days
from turo.forecast.answers.listed_spans import ListedSpans
from turo.forecast.occupied_days import taken_days


@dataclass(frozen=True)
class Earned:
    """Arrays (vehicles, windows), windows in order of time.

    Attributes:
        money: of the days whose price is known.
        priced: those days.
        booked: days; `available`: listed and not blocked by the owner, at least those that were booked.
    """

    money: Floats
    priced: Floats
    booked: Floats
    available: Floats


def data_start(tables: Tables) -> int:
    """End of the first trip of the file, an instant: files begin by it, so earlier time is known in part."""
    return int(tables.reservations["trip_end"].dt.epoch("us").min() or 0)  # type: ignore[arg-type]


def paid_days(tables: Tables) -> pl.DataFrame:
    """`single_days.COLUMNS` of the trips that are not cancelled; money is null where it is unknown."""
    base = pl.col("trip_price") + pl.col("discounts").fill_null(0.0)
    trips = tables.reservations.filter(~cancelled()).select(
        "vehicle_id",
        pl.col("trip_start").dt.epoch("us").alias("start"),
        pl.col("trip_end").dt.epoch("us").alias("end"),
        pl.coalesce(base, "total_earnings").alias("money"),
    )
    return single_days(trips)


def earned(  # noqa: PLR0913, PLR0917 - of whom, and which windows
    tables: Tables,
    fleet: ListedSpans,
    origin: int,
    length: int,
    count: int = 1,
    bought: Ints | None = None,
) -> Earned:
    """Of `count` windows of `length` days, the last of which ends at the origin.

    Args:
        bought: instants (vehicles,) before which nothing counts; 0 for none.
    """
    begin = origin - count * length * DAY
    paid = since(paid_days(tables), fleet, bought)
    money, priced = spread(paid, "money", fleet, origin, length, count)
    first = as_date(begin)
    moments = paid.select("vehicle_id", pl.col("start", "end").cast(pl.Datetime("us")))
    booked = taken_days(moments, fleet.ids, first, count, length)
    known = np.maximum(fleet.since, data_start(tables))
    if bought is not None:
        known = np.maximum(known, bought)
    away = [
        _intervals(fleet.ids, np.full(len(fleet.ids), begin), known),
        _intervals(fleet.ids, fleet.until, np.full(len(fleet.ids), origin)),
    ]
    if tables.blocks is not None:
        away.append(tables.blocks.select("vehicle_id", "start", "end"))
    blocked = taken_days(pl.concat(away), fleet.ids, first, count, length)
    return Earned(money, priced, booked, np.maximum(length - blocked, booked))


def _intervals(ids: list[str], start: Ints, end: Ints) -> pl.DataFrame:
    moment = pl.Datetime("us")
    frame = pl.DataFrame(
        {"vehicle_id": ids, "start": start, "end": end}, schema_overrides={"vehicle_id": pl.String}
    )
    return frame.filter(pl.col("start") < pl.col("end")).select(
        "vehicle_id",
        pl.col("start").clip(upper_bound=_LATEST).cast(moment),
        pl.col("end").clip(upper_bound=_LATEST).cast(moment),
    )


_LATEST = int(timedelta(days=365 * 300) / timedelta(microseconds=1))  # of what polars takes for a date


def spread(  # noqa: PLR0913, PLR0917 - what, of whom, and which windows
    trips_of: pl.DataFrame, name: str, fleet: ListedSpans, origin: int, length: int, count: int = 1
) -> tuple[Floats, Floats]:
    """An amount of trips, evenly over their days, and the days it is for, (vehicles, windows).

    Args:
        trips_of: vehicle_id, start, end (µs) and the amount `name`; rows without it are left out.
        length: days of a window; the last of `count` ends at the origin.
    """
    length *= DAY
    begin = origin - count * length
    rows = trips_of.filter(
        pl.col(name).is_not_null(), pl.col("end") > begin, pl.col("start") < begin + count * length
    )
    vehicle = (
        pl.Series(fleet.ids, dtype=pl.String).search_sorted(rows["vehicle_id"]).to_numpy().astype(np.int64)
    )
    start, end = (rows[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    row, window = spans(
        np.maximum((start - begin) // length, 0), np.minimum(-((begin - end) // length), count)
    )
    opens = begin + window * length
    inside = np.minimum(end[row], opens + length) - np.maximum(start[row], opens)
    cell, shape = vehicle[row] * count + window, (len(fleet.ids), count)
    share = inside / (end - start)[row] * rows[name].to_numpy()[row]
    size = shape[0] * count
    return (
        np.bincount(cell, share, size).astype(np.float64).reshape(shape),
        np.bincount(cell, inside / DAY, size).astype(np.float64).reshape(shape),
    )
