"""A large made-up fleet for the benchmarks of prepare: canonical files, drawn in seconds, nothing dirty."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

END = datetime(2026, 11, 24)
DAYS = 730
CLASSES = ("car", "minivan", "suv", "truck", "van")
FUELS = ("diesel", "electric", "gasoline", "hybrid")
MAKES = ("Ford", "Honda", "Jeep", "Kia", "Tesla", "Toyota")


def write(folder: Path, vehicles: int, reservations: int, seed: int = 7) -> None:
    """Write reservations.csv and vehicles.csv of a fleet that was listed for all of the last two years.

    One vehicle in fifty has had no trip for a year: it looks gone.
    """
    rng = np.random.default_rng(seed)
    first = np.datetime64(END, "m") - np.timedelta64(DAYS, "D")
    vehicle = np.sort(rng.integers(0, vehicles, reservations))
    until = np.where(vehicle % 50 == 49, DAYS / 2, DAYS + 60)
    start = first + (rng.uniform(0, until) * 48).astype(np.int64) * np.timedelta64(30, "m")
    length = np.maximum(1, rng.lognormal(1.1, 0.7, reservations) * 48).astype(np.int64)
    end = start + length * np.timedelta64(30, "m")
    lead = np.maximum(0, rng.lognormal(2.0, 1.3, reservations) * 1440).astype(np.int64)
    booked = np.minimum(start - lead, np.datetime64(END, "m") - rng.integers(0, 60 * 1440, reservations))
    lost = rng.random(reservations) < 0.18
    cancelled = booked + ((start - booked).astype(np.int64) * rng.random(reservations)).astype(np.int64)
    lost &= (cancelled > booked) & (cancelled < np.datetime64(END, "m"))
    now = np.datetime64(END, "m")
    status = np.select(
        [lost, end <= now, start <= now], ["guest_cancellation", "completed", "in_progress"], "booked"
    )
    price = (length / 48 * rng.uniform(25, 120, reservations)).round(2)
    table = pl.DataFrame(
        {
            "reservation_id": pl.Series(np.argsort(np.argsort(booked, kind="stable")) + 20_000_000).cast(
                pl.String
            ),
            "vehicle_id": _ids(vehicle),
            "trip_start": start.astype("datetime64[us]"),
            "trip_end": end.astype("datetime64[us]"),
            "status": status,
            "booked_at": booked.astype("datetime64[us]"),
            "cancelled_at": np.where(lost, cancelled, np.datetime64("NaT")).astype("datetime64[us]"),
            "trip_price": price,
            "discounts": -(price * rng.choice([0.0, 0.05, 0.1], reservations)).round(2),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    table.write_csv(folder / "reservations.csv", datetime_format="%Y-%m-%dT%H:%M")
    numbers = np.arange(vehicles)
    pl.DataFrame(
        {
            "vehicle_id": _ids(numbers),
            "make": rng.choice(MAKES, vehicles),
            "year": rng.integers(2012, 2025, vehicles),
            "class": rng.choice(CLASSES, vehicles),
            "fuel": rng.choice(FUELS, vehicles),
            "timezone": np.repeat("America/Phoenix", vehicles),  # no gap in spring that would move a time
            "listed_from": np.repeat(np.datetime64(END, "D") - np.timedelta64(DAYS, "D"), vehicles),
        }
    ).write_csv(folder / "vehicles.csv")


def _ids(numbers: np.ndarray) -> pl.Series:
    return pl.Series(numbers).cast(pl.String).str.zfill(7)
