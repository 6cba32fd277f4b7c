"""A fleet whose books never change: every trip is booked long ahead, none is cancelled, none is added."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from tiny_fleet import build, trip, vehicles

VEHICLES, TRIPS_A_VEHICLE = 4, 60
FIRST, AHEAD = datetime(2025, 1, 6, 10), timedelta(days=120)


def exact_books(horizon: int = 28) -> pl.DataFrame:
    """The prepared table of 240 trips; the snapshot is taken when the last one is over."""
    rows, now = [], FIRST
    for vehicle in range(VEHICLES):
        start = FIRST + timedelta(days=vehicle)
        for number in range(TRIPS_A_VEHICLE):
            end = start + timedelta(days=3 + (number + vehicle) % 5)
            rows.append(trip(f"c{vehicle}", start.isoformat(), end.isoformat(), (start - AHEAD).isoformat()))
            start = end + timedelta(days=2 + number % 4)
        now = max(now, start)
    fleet = vehicles(*((f"c{vehicle}", "2024-06-01", "suv") for vehicle in range(VEHICLES)))
    return build(rows, now.isoformat(), horizon, fleet)
