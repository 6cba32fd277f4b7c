"""A fleet whose books never change: every trip is booked long ahead, none is cancelled, none is added."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from tiny_fleet import build, trip, vehicles

CARS, TRIPS_A_CAR = 4, 60
FIRST, AHEAD = datetime(2025, 1, 6, 10), timedelta(days=120)


def exact_books(horizon: int = 28) -> pl.DataFrame:
    """The prepared table of 240 trips; the snapshot is taken when the last one is over."""
    rows, now = [], FIRST
    for car in range(CARS):
        start = FIRST + timedelta(days=car)
        for number in range(TRIPS_A_CAR):
            end = start + timedelta(days=3 + (number + car) % 5)
            rows.append(trip(f"c{car}", start.isoformat(), end.isoformat(), (start - AHEAD).isoformat()))
            start = end + timedelta(days=2 + number % 4)
        now = max(now, start)
    cars = vehicles(*((f"c{car}", "2024-06-01", "suv") for car in range(CARS)))
    return build(rows, now.isoformat(), horizon, cars)
