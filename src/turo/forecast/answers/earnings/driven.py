"""How far trips were driven, for what distance costs: filled in where the file does not tell it.

The distance of a trip is known once it is completed. For any other one it is the vehicle's own distance a
booked day, over its trips of the past 365 days that have one; where these are few, that of its class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import Tables
from turo.features.time import DAY
from turo.forecast.answers.earnings.earned import Earned, spread
from turo.forecast.answers.earnings.payback import Owned
from turo.forecast.answers.listed_spans import ListedSpans

PAST = 365 * DAY
LEAST_TRIPS = 5  # with a distance, by which a vehicle tells its own distance a day


@dataclass(frozen=True)
class Driven:
    """What distance took, of the vehicles with a cost for it, as far back as accounting needs.

    Attributes:
        trips: vehicle_id, start, end (µs), money (what distance took, 0 or less) of those that are not
            cancelled and began before the origin.
        unknown: how many vehicles have a trip whose distance is neither told nor filled in; `trips` has none
            of theirs.
        filled: how many of `trips` have a distance that the file does not tell.
    """

    trips: pl.DataFrame
    unknown: int
    filled: int

    def left(self, earned: Earned, fleet: ListedSpans, origin: int, length: int) -> Earned:
        """What was earned less what distance took, in windows of `length` days, the last up to the origin."""
        took, _ = spread(self.trips, "money", fleet, origin, length, earned.money.shape[1])
        # money is that of the priced days, and stands for all booked ones; what distance took is of them all
        share = np.divide(earned.priced, earned.booked, out=np.zeros_like(took), where=earned.booked > 0)
        return replace(earned, money=earned.money + took * share)


def driven(tables: Tables, fleet: ListedSpans, mine: Owned, origin: int) -> Driven:
    """Trips of the past 365 days, and those since the purchase where that is earlier."""
    bought = np.where(mine.bought > 0, mine.bought, origin)
    places = pl.DataFrame(
        {
            "vehicle_id": fleet.ids,
            "group": fleet.group,
            "cost": mine.a_distance,
            "since": np.minimum(bought, origin - PAST),
        },
        schema_overrides={"vehicle_id": pl.String},
    )
    rows = _with_rates(_kept_trips(tables).join(places, "vehicle_id", maintain_order="left"), origin)
    needed = (pl.col("cost") > 0) & (pl.col("end") > pl.col("since")) & (pl.col("start") < origin)
    rows = rows.filter(needed.fill_null(value=False) & pl.col("cost").is_not_nan()).with_columns(
        pl.coalesce("distance", pl.col("rate") * pl.col("days")).alias("distance"),
        (pl.col("distance").is_null() & pl.col("rate").is_not_null()).alias("filled"),
    )
    untold = rows.filter(pl.col("distance").is_null())["vehicle_id"].unique()
    rows = rows.filter(~pl.col("vehicle_id").is_in(untold.implode()))
    money = (-pl.col("cost") * pl.col("distance")).alias("money")
    trips = rows.select("vehicle_id", "start", "end", money)
    return Driven(trips, len(untold), int(rows["filled"].sum()))


def _kept_trips(tables: Tables) -> pl.DataFrame:
    """vehicle_id, start, end (µs), days, distance (null while the trip is not completed)."""
    rows = tables.reservations.filter(~cancelled()).select(
        "vehicle_id",
        pl.col("trip_start").dt.epoch("us").alias("start"),
        pl.col("trip_end").dt.epoch("us").alias("end"),
        pl.when(pl.col("status") == "completed").then("distance").alias("distance"),
    )
    return rows.with_columns(((pl.col("end") - pl.col("start")) / DAY).alias("days"))


def _with_rates(rows: pl.DataFrame, origin: int) -> pl.DataFrame:
    """The rows with `rate`: distance a booked day of the vehicle or its class; null where none is known."""
    recent = rows.filter(pl.col("distance").is_not_null(), pl.col("end") > origin - PAST)
    rate = pl.col("distance").sum() / pl.col("days").sum()
    own = recent.group_by("vehicle_id").agg(rate.alias("own"), pl.len().alias("told"))
    peers = recent.group_by("group").agg(rate.alias("peers"))
    joined = rows.join(own, "vehicle_id", how="left", maintain_order="left").join(
        peers, "group", how="left", maintain_order="left"
    )
    return joined.with_columns(
        pl.when(pl.col("told") >= LEAST_TRIPS).then("own").otherwise("peers").alias("rate")
    )
