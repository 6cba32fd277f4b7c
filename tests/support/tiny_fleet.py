"""Tiny fleets written by hand, as canonical frames."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from turo.features import build as features

COLUMNS: dict[str, Any] = {
    "reservation_id": pl.String,
    "vehicle_id": pl.String,
    "trip_start": pl.Datetime("us"),
    "trip_end": pl.Datetime("us"),
    "status": pl.String,
    "booked_at": pl.Datetime("us"),
    "booked_at_source": pl.String,
    "cancelled_at": pl.Datetime("us"),
    "trip_price": pl.Float64,
    "discounts": pl.Float64,
    "total_earnings": pl.Float64,
    "distance": pl.Float64,
}
Row = dict[str, Any]


def trip(
    vehicle_id: str, start: str, end: str, booked: str | None, status: str = "completed", **more: Any
) -> Row:
    """One canonical reservation; dates as ISO text, price 100 unless told."""
    row: Row = {
        "vehicle_id": vehicle_id,
        "trip_start": datetime.fromisoformat(start),
        "trip_end": datetime.fromisoformat(end),
        "status": status,
        "booked_at": booked and datetime.fromisoformat(booked),
        "booked_at_source": "exact" if booked else "none",
        "cancelled_at": None,
        "trip_price": 100.0,
        "discounts": 0.0,
        "total_earnings": 100.0,
    }
    if isinstance(more.get("cancelled_at"), str):
        more["cancelled_at"] = datetime.fromisoformat(more["cancelled_at"])
    return row | more


def reservations(rows: list[Row]) -> pl.DataFrame:
    """Canonical reservations of `trip` rows."""
    return pl.DataFrame(rows, schema=COLUMNS)


def vehicles(*lines: tuple[str, str | None, str | None]) -> pl.DataFrame:
    """Canonical vehicles of (vehicle_id, listed_from, class)."""
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle_id for vehicle_id, _, _ in lines],
            "listed_from": [listed and date.fromisoformat(listed) for _, listed, _ in lines],
            "class": [name for _, _, name in lines],
        },
        schema={"vehicle_id": pl.String, "listed_from": pl.Date, "class": pl.String},
    )


def random_rows(seed: int, fleet_size: int = 6, trips: int = 240) -> list[Row]:
    """A year and a half of bookings with every status, some cancelled before and some after their start."""
    rng = np.random.default_rng(seed)
    rows, first = [], datetime(2025, 1, 1)
    for _ in range(trips):
        start = first + timedelta(hours=int(rng.integers(0, 24 * 540)))
        end = start + timedelta(hours=int(rng.integers(3, 24 * 12)))
        booked = start - timedelta(hours=int(rng.exponential(24 * 20)))
        status = str(
            rng.choice(
                ["completed", "booked", "guest_cancellation", "host_cancellation"], p=[0.6, 0.1, 0.2, 0.1]
            )
        )
        row = trip(
            f"vehicle{rng.integers(fleet_size)}",
            start.isoformat(),
            end.isoformat(),
            booked.isoformat(),
            status,
        )
        if "cancellation" in status and rng.random() < 0.6:
            row["cancelled_at"] = booked + (end - booked) * rng.random()
        rows.append(
            row | {"trip_price": float(rng.integers(20, 900)), "discounts": -float(rng.integers(0, 9))}
        )
    return rows


def build(
    rows: list[Row], snapshot: str, horizon: int = 28, fleet: pl.DataFrame | None = None, **more: Any
) -> pl.DataFrame:
    """The table of those rows; without `fleet`, the vehicles have no line of their own."""
    known = vehicles() if fleet is None else fleet
    moment = datetime.fromisoformat(snapshot)
    return features.build(reservations(rows), known, more.pop("blocks", None), moment, horizon, **more)


def at(table: pl.DataFrame, vehicle_id: str, origin: str) -> Row:
    """The row of a vehicle at an origin, as a dict."""
    return table.row(
        by_predicate=(pl.col("vehicle_id") == vehicle_id)
        & (pl.col("origin_date") == date.fromisoformat(origin)),
        named=True,
    )
