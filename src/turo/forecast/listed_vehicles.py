"""The vehicles to forecast: those listed at the origin, their label, the days they can be booked."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl

from turo.features.time import Floats
from turo.features.vehicles import one_line
from turo.forecast.forecast_columns import Types
from turo.forecast.occupied_days import taken_days
from turo.table.names import LOOKS_GONE


def active(rows: pl.DataFrame, vehicles: pl.DataFrame, origin: date) -> pl.DataFrame:
    """The rows of vehicles that are not delisted at the origin: `listed_to` empty or later."""
    delisted = vehicles.filter(pl.col("listed_to") <= origin)["vehicle_id"].implode()
    return rows.filter(~pl.col("vehicle_id").is_in(delisted))


def describe(
    rows: pl.DataFrame, vehicles: pl.DataFrame, blocks: pl.DataFrame | None, trips: pl.DataFrame, horizon: int
) -> pl.DataFrame:
    """vehicle_id, vehicle (make, model, year), looks_gone, last_trip, available_days of the window.

    Not available are days after `listed_to`, days that the owner had blocked by the origin, and all days of a
    vehicle that looks gone.

    Args:
        rows: of one origin of the prepared table.
        trips: vehicle_id, start, end of what is not cancelled, as the snapshot knows it.
    """
    ids, origin = rows["vehicle_id"].to_list(), rows["origin_date"][0]
    label = pl.concat_str("make", "model", pl.col("year").cast(pl.String), separator=" ", ignore_nulls=True)
    named = one_line(vehicles, ("make", "model", "year")).select(
        "vehicle_id", label.alias("vehicle"), "listed_to"
    )
    listed = pl.DataFrame({"vehicle_id": ids}, schema={"vehicle_id": pl.String}).join(
        named, "vehicle_id", how="left", maintain_order="left"
    )
    blocked = _unavailable(listed, blocks, origin, horizon)
    activity = _looks_gone(rows, trips, origin)
    return (
        listed.with_columns(pl.col("vehicle").fill_null(""), pl.Series("available_days", horizon - blocked))
        .join(activity, "vehicle_id", how="left", maintain_order="left")
        .with_columns(pl.when(LOOKS_GONE).then(0.0).otherwise("available_days").alias("available_days"))
        .drop("listed_to")
    )


def last_trips(trips: pl.DataFrame, origin: date) -> pl.DataFrame:
    """vehicle_id, last_trip: the date its last trip before the origin ended."""
    over = trips.filter(pl.col("end") <= datetime.combine(origin, time()))
    return over.group_by("vehicle_id").agg(pl.col("end").max().dt.date().alias("last_trip"))


def newest_minimum(vehicles: pl.DataFrame) -> pl.DataFrame:
    """vehicle_id, min_trip_days: the shortest trip it is let for now, of the newest line that says one.

    A line without valid_from tells today's.
    """
    if "min_trip_days" not in vehicles.columns:
        return pl.DataFrame(schema={"vehicle_id": pl.String, "min_trip_days": pl.Float64})
    lines = vehicles.drop_nulls("min_trip_days")
    if "valid_from" in vehicles.columns:
        lines = lines.sort("valid_from", nulls_last=True, maintain_order=True)
    newest = lines.group_by("vehicle_id", maintain_order=True).agg(pl.col("min_trip_days").last())
    return newest.cast({"vehicle_id": pl.String, "min_trip_days": pl.Float64})


def _looks_gone(rows: pl.DataFrame, trips: pl.DataFrame, origin: date) -> pl.DataFrame:
    """vehicle_id, looks_gone, last_trip (the date its last trip ended): one row a vehicle of `rows`.

    The table's mark is of the origin; what was booked between it and the snapshot takes it away.
    """
    begin = datetime.combine(origin, time())
    driven = last_trips(trips, origin)
    ahead = trips.filter(pl.col("end") > begin)["vehicle_id"].unique().implode()
    marked = pl.col(LOOKS_GONE) == 1 if LOOKS_GONE in rows.columns else pl.lit(False)
    return rows.select("vehicle_id", (marked & ~pl.col("vehicle_id").is_in(ahead)).alias(LOOKS_GONE)).join(
        driven, "vehicle_id", how="left", maintain_order="left"
    )


def _unavailable(listed: pl.DataFrame, blocks: pl.DataFrame | None, origin: date, horizon: int) -> Floats:
    schema: Types = {"vehicle_id": pl.String, "start": pl.Datetime("us"), "end": pl.Datetime("us")}
    cast = [pl.col(name).cast(kind) for name, kind in schema.items()]
    begin = datetime.combine(origin, time())
    after = listed.filter(pl.col("listed_to").is_not_null()).select(
        "vehicle_id",
        pl.col("listed_to").cast(pl.Datetime("us")).alias("start"),
        pl.lit(begin + timedelta(days=horizon)).alias("end"),
    )
    unavailable = [pl.DataFrame(schema=schema), after.filter(pl.col("start") < pl.col("end")).select(cast)]
    if blocks is not None:
        known = pl.col("created_at").is_null() | (pl.col("created_at") <= begin)
        unavailable.append(blocks.filter(known).select("vehicle_id", "start", "end").select(cast))
    return taken_days(pl.concat(unavailable), listed["vehicle_id"].to_list(), origin, 1, horizon)[:, 0]
