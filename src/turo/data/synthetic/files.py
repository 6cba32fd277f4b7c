"""The synthetic history as the canonical files show it on the day of the snapshot."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.data.canonical_statuses import GUEST, HOST
from turo.data.synthetic import demand, prices
from turo.data.synthetic import vehicles as fleet
from turo.data.synthetic.demand import OWNER, Requests
from turo.data.synthetic.vehicles import Floats
from turo.data.synthetic.world import World

IDS_PER_DAY = 35_000  # reservation IDs are given in the order of booking
FIRST_ID = 20_000_000
MILES_PER_DAY = 49


def reservations(world: World, made: list[Requests]) -> pl.DataFrame:
    """All trips that end within the history or later, in the order of booking."""
    rng = world.random(2)
    rows = pl.concat(_trip_rows(world, vehicle, made[vehicle], rng) for vehicle in range(len(world.vehicles)))
    rows = rows.sort("booked", "vehicle_id")
    numbers = FIRST_ID + (rows["booked"].to_numpy() * IDS_PER_DAY).astype(np.int64)
    return rows.with_columns(reservation_id=pl.Series(_increasing(numbers).astype(str))).select(
        "reservation_id", pl.exclude("reservation_id", "booked")
    )


def vehicles(world: World) -> pl.DataFrame:
    """One row a vehicle; the list price is that of the snapshot's day."""
    drawn = world.vehicles
    today = drawn.log_price[:, demand.quarter(np.array([world.now]))[0]]
    return pl.DataFrame(
        {
            "vehicle_id": drawn.vehicle_id,
            "make": drawn.make,
            "model": drawn.model,
            "year": drawn.year,
            "class": drawn.vehicle_class,
            "fuel": drawn.fuel,
            "list_price": (drawn.price * np.exp(today)).round(0),
            "min_trip_days": drawn.min_days,
            "state": [fleet.PLACES[place][0] for place in drawn.place],
            "timezone": [fleet.PLACES[place][1] for place in drawn.place],
            "listed_from": _instants(world, drawn.listed).dt.date(),
            "listed_to": _instants(world, np.where(drawn.left <= world.now, drawn.left, np.nan)).dt.date(),
        }
    )


def blocks(world: World, made: list[Requests]) -> pl.DataFrame:
    """Days that owners kept their vehicles for themselves, in the order in which they decided so."""
    frames = []
    for vehicle, rows in enumerate(made):
        kept = (rows.stream == OWNER) & (rows.end >= world.start) & (rows.cancelled == np.inf)
        own = rows.take(np.flatnonzero(kept))
        columns = {
            "vehicle_id": pl.Series([world.vehicles.vehicle_id[vehicle]] * len(own), dtype=pl.String),
            "start": _instants(world, own.start),
            "end": _instants(world, own.end),
            "created_at": _instants(world, own.booked),
        }
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames).sort("created_at", "vehicle_id")


def _trip_rows(world: World, vehicle: int, made: Requests, rng: np.random.Generator) -> pl.DataFrame:
    rows = made.take(np.flatnonzero((made.stream != OWNER) & (made.end >= world.start)))
    count, now = len(rows), world.now
    cancelled = rows.cancelled <= now
    by_host = rng.random(count) < demand.HOST_CANCEL / demand.cancel_share(rows.start - rows.booked)
    by_host |= rows.cancelled == world.vehicles.left[vehicle]
    status = np.select(
        [cancelled & by_host, cancelled, rows.end <= now, rows.start <= now],
        [HOST, GUEST, "completed", "in_progress"],
        "booked",
    )
    log_price = world.vehicles.log_price[vehicle][demand.quarter(rows.booked)]
    gross = prices.gross(world, vehicle, rows, log_price, rows.start).round(2)
    discounts = -(gross * prices.off(rows)).round(2)
    extras = np.where(rng.random(count) < 0.14, rng.uniform(10, 90, count), 0)
    tolls = np.where(rng.random(count) < 0.12, rng.uniform(2.7, 45, count), 0) * (rows.end < now - 5)
    fee = np.where(rng.random(count) < 0.05, gross * 0.5, 0)
    fees = np.where(cancelled, fee, extras + tolls).round(2)
    total = np.where(cancelled, fees, gross + discounts + fees).round(2)
    distance = np.round((rows.end - rows.start) * MILES_PER_DAY * np.exp(rng.normal(0, 0.5, count)))
    moved = np.where(status == "completed", distance, 0)
    out = 8_000 + np.cumsum(moved) - moved
    unread = (status != "completed") | (rng.random(count) < 0.1)
    return pl.DataFrame(
        {
            "vehicle_id": pl.Series([world.vehicles.vehicle_id[vehicle]] * count, dtype=pl.String),
            "trip_start": _instants(world, rows.start),
            "trip_end": _instants(world, rows.end),
            "status": pl.Series(status.tolist(), dtype=pl.String),
            "booked_at": _instants(world, rows.booked),
            "cancelled_at": _instants(world, np.where(cancelled, rows.cancelled, np.nan)),
            "trip_price": gross,
            "discounts": discounts,
            "fees": fees,
            "total_earnings": total,
            "distance": _whole(np.where(unread, np.nan, distance)),
            "odometer_out": _whole(np.where(cancelled | (status == "booked"), np.nan, out)),
            "odometer_in": _whole(np.where(unread, np.nan, out + distance)),
            "booked": rows.booked,
        }
    )


def _increasing(numbers: np.ndarray) -> np.ndarray:
    """Make a sorted list of numbers strictly increasing."""
    steps = np.arange(len(numbers))
    return np.maximum.accumulate(numbers - steps) + steps


def _instants(world: World, days: Floats) -> pl.Series:
    minutes = np.where(np.isnan(days), 0, np.round(days * 1440)).astype("timedelta64[m]")
    values = np.datetime64(world.calendar.first, "m") + minutes
    values[np.isnan(days)] = np.datetime64("NaT")
    return pl.Series(values.astype("datetime64[us]"))


def _whole(values: Floats) -> pl.Series:
    return pl.Series(values).fill_nan(None).cast(pl.Int64)
