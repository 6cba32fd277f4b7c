"""The host's files as they were known on a past Monday, 00:00: what came later is taken out.

Reservations: those booked later (without a booking date: started later) are left out; one that was cancelled
later is not cancelled; dates that were changed later are those known then; a distance is known of trips that
have ended. A cancellation without a date counts as known from the trip's start, as everywhere.
Vehicles: those listed later and not booked yet are left out, and so are lines that `valid_from` dates later;
a later `listed_to` is empty.
Blocks made later (without a date of creation: begun later) and what later exports prove are left out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import Tables

# A snapshot of the Monday itself would tell which cancellations without a date are true; one a week later
# tells it of no Monday up to this one. Labels it would complete are blanked: see `turo.replay.refit`.
LATER = timedelta(weeks=1)


def as_known(tables: Tables, monday: date) -> Tables:
    """The tables without what became known after a Monday, 00:00."""
    at = datetime.combine(monday, time())
    reservations = _reservations(_dated_then(tables.reservations, tables.revisions, at), at)
    return replace(
        tables,
        reservations=reservations,
        vehicles=_vehicles(tables.vehicles, reservations["vehicle_id"], monday),
        blocks=None if tables.blocks is None else _blocks(tables.blocks, at),
        snapshot=at + LATER,
        revisions=tables.revisions.filter(pl.col("until") <= at),
        sightings=tables.sightings.filter(pl.col("seen") <= at),
    )


def on_the_day(tables: Tables, monday: date) -> Tables:
    """The tables of exports up to one of that very day, which says itself what is known.

    What hosts add beside an export is of today: of that nothing later stays.
    """
    at = datetime.combine(monday, time())
    vehicles = _vehicles(tables.vehicles, tables.reservations["vehicle_id"], monday)
    return replace(
        tables, vehicles=vehicles, blocks=None if tables.blocks is None else _blocks(tables.blocks, at)
    )


def _dated_then(reservations: pl.DataFrame, revisions: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Reservations with the dates and the price they had then, where these were changed later."""
    changed = ("trip_start", "trip_end", "trip_price", "discounts")
    then = revisions.filter(
        pl.col("since").is_null() | (pl.col("since") <= at), pl.col("until") > at
    ).with_columns(earlier=True)
    if then.is_empty():
        return reservations
    joined = reservations.join(
        then.select("reservation_id", "earlier", *changed),
        "reservation_id",
        how="left",
        suffix="_then",
        maintain_order="left",
    )
    return joined.with_columns(
        pl.when("earlier").then(f"{name}_then").otherwise(name).alias(name) for name in changed
    ).select(reservations.columns)


def _reservations(rows: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Rows booked by then, in the state they had; the price of a trip is that of its booking."""
    known = rows.filter(pl.coalesce("booked_at", "trip_start") <= at)
    told = pl.coalesce(pl.col("cancelled_at"), pl.col("trip_start")) <= at
    open_now = ~(cancelled() & told)
    state = (
        pl.when(pl.col("trip_end") <= at)
        .then(pl.lit("completed"))
        .when(pl.col("trip_start") <= at)
        .then(pl.lit("in_progress"))
        .otherwise(pl.lit("booked"))
    )
    return known.with_columns(
        pl.when(open_now).then(state).otherwise("status").alias("status"),
        pl.when(~open_now).then("cancelled_at").alias("cancelled_at"),
        pl.when(pl.col("trip_end") <= at).then("distance").alias("distance"),
    ).sort("vehicle_id", "trip_start", maintain_order=True)


def _vehicles(vehicles: pl.DataFrame, booked: pl.Series, monday: date) -> pl.DataFrame:
    listed = pl.col("listed_from").is_null() | (pl.col("listed_from") <= monday)
    current = pl.col("valid_from").is_null() | (pl.col("valid_from") <= monday)
    known = (listed | pl.col("vehicle_id").is_in(booked.unique().implode())) & current
    return vehicles.filter(known).with_columns(
        pl.when(pl.col("listed_to") <= monday).then("listed_to").alias("listed_to")
    )


def _blocks(blocks: pl.DataFrame, at: datetime) -> pl.DataFrame:
    return blocks.filter(pl.coalesce("created_at", "start") <= at)
