"""How far trips were driven, for what distance costs: filled in where the file does not tell it.

The distance of a trip is known once it is over. For any other one it is a distance a booked day: the
vehicle's own over its trips of the past 365 days, else over all of its past, else that of the others of its
class, else that of the others of the fleet, whichever rests on enough trips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import Tables
from turo.features.time import DAY, Ints
from turo.forecast.answers.earnings.earned import Earned, spread
from turo.forecast.answers.earnings.payback import Owned
from turo.forecast.answers.earnings.single_days import since, single_days
from turo.forecast.answers.listed_spans import ListedSpans

PAST = 365 * DAY
LEAST_TRIPS = 5  # with a distance, by which one a day is told
RATES = ("own", "past", "class", "fleet")  # what distances are filled in by, best first


@dataclass(frozen=True)
class Driven:
    """What distance took, of the vehicles with a cost for it, as far back as accounting needs.

    Attributes:
        pieces: `single_days.COLUMNS` of the trips that began before the origin and are not cancelled; money
            is what distance took, 0 or less.
        trips: how many those are.
        filled: how many of them have a distance that the file does not tell, by `RATES`.
        unknown: vehicles with a trip whose distance is neither told nor filled in; `pieces` has none of them.
        unmarked: how many trips of an export are over, but not marked completed, so it tells no distance.
    """

    pieces: pl.DataFrame
    trips: int
    filled: Mapping[str, int]
    unknown: list[str]
    unmarked: int

    def left(
        self, earned: Earned, fleet: ListedSpans, origin: int, length: int, bought: Ints | None = None
    ) -> Earned:
        """What was earned less what distance took, in windows of `length` days, the last up to the origin.

        Booked days without a price count at the vehicle's own of these windows; without any price, nothing.

        Args:
            bought: as of `earned`.
        """
        pieces = since(self.pieces, fleet, bought)
        took, _ = spread(pieces, "money", fleet, origin, length, earned.money.shape[1])
        money, days = (part.sum(axis=1, keepdims=True) for part in (earned.money, earned.priced))
        price = np.divide(money, days, out=np.zeros_like(money), where=days > 0)
        gross = earned.money + price * np.maximum(earned.booked - earned.priced, 0)
        return Earned(
            money=np.where(days > 0, gross + took, 0.0),
            priced=np.where(days > 0, earned.booked, 0.0),
            booked=earned.booked,
            available=earned.available,
        )


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
    rows = _kept_trips(tables).join(places, "vehicle_id", maintain_order="left")
    rows = rows.join(_rates(rows, places, origin), "vehicle_id", how="left", maintain_order="left")
    needed = (pl.col("cost") > 0) & (pl.col("end") > pl.col("since")) & (pl.col("start") < origin)
    rows = rows.filter(needed.fill_null(value=False) & pl.col("cost").is_not_nan()).with_columns(
        pl.coalesce("distance", pl.col("rate") * pl.col("days")).alias("driven")
    )
    unknown = rows.filter(pl.col("driven").is_null())["vehicle_id"].unique().to_list()
    told = rows.filter(~pl.col("vehicle_id").is_in(unknown))
    by = told.filter(pl.col("distance").is_null())["by"].value_counts().rows()
    money = (-pl.col("cost") * pl.col("driven")).alias("money")
    return Driven(
        pieces=single_days(told.select("vehicle_id", "start", "end", money)),
        trips=told.height,
        filled=dict(by),
        unknown=unknown,
        unmarked=int(rows["unmarked"].sum()),
    )


def _kept_trips(tables: Tables) -> pl.DataFrame:
    """vehicle_id, start, end (µs), days, distance (null until the trip is over), unmarked.

    An export tells of a trip that is not marked completed what was driven so far.
    """
    completed, over = pl.col("status") == "completed", pl.col("trip_end") <= tables.snapshot
    own_words = tables.profile == "canonical"
    rows = tables.reservations.filter(~cancelled()).select(
        "vehicle_id",
        pl.col("trip_start").dt.epoch("us").alias("start"),
        pl.col("trip_end").dt.epoch("us").alias("end"),
        pl.when(completed | (over & own_words)).then("distance").alias("distance"),
        (over & ~completed & (not own_words)).alias("unmarked"),
    )
    return rows.with_columns(((pl.col("end") - pl.col("start")) / DAY).alias("days"))


def _rates(rows: pl.DataFrame, places: pl.DataFrame, origin: int) -> pl.DataFrame:
    """vehicle_id, rate (distance a booked day), by (which of `RATES` it is); null where none is known."""
    recent, there = pl.col("end") > origin - PAST, pl.col("distance").is_not_null()
    sums = (
        rows.filter(there)
        .group_by("vehicle_id")
        .agg(
            what.filter(when).sum().alias(f"{name}_{key}")
            for key, when in (("own", recent), ("past", there))
            for name, what in (("distance", pl.col("distance")), ("days", pl.col("days")), ("trips", there))
        )
    )
    found = places.join(sums, "vehicle_id", how="left", maintain_order="left").fill_null(0)
    names = ("distance", "days", "trips")
    in_class = pl.col("group") >= 0
    found = found.with_columns(
        *(
            pl.when(in_class)
            .then(pl.col(f"{name}_own").sum().over("group") - pl.col(f"{name}_own"))
            .otherwise(0)
            .alias(f"{name}_class")
            for name in names
        ),
        *((pl.col(f"{name}_own").sum() - pl.col(f"{name}_own")).alias(f"{name}_fleet") for name in names),
    )
    enough = {key: pl.col(f"trips_{key}") >= LEAST_TRIPS for key in RATES}
    return found.select(
        "vehicle_id",
        pl.coalesce(
            pl.when(enough[key]).then(pl.col(f"distance_{key}") / pl.col(f"days_{key}")) for key in RATES
        ).alias("rate"),
        pl.coalesce(pl.when(enough[key]).then(pl.lit(key)) for key in RATES).alias("by"),
    )
