"""Booked days by week around the origin, of each vehicle and of the fleet, and a year earlier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from turo.features.time import Floats
from turo.forecast.occupied_days import taken_days, trips

WEEKS = 13  # a quarter: 91 days
LAST_YEAR = timedelta(days=364)  # 52 weeks: the same weekdays


@dataclass(frozen=True)
class BookedWeeks:
    """Booked days as the file knows them at its snapshot, cancelled trips left out.

    Attributes:
        origin: Monday at which the first coming week begins.
        by_vehicle: (vehicles, WEEKS) of the coming weeks, in the order of `vehicles`.
        past, coming: (WEEKS,) of all vehicles of the file, before and from the origin.
        past_year_ago, coming_year_ago: the same weeks 52 weeks earlier.
    """

    origin: date
    vehicles: list[str]
    by_vehicle: Floats
    past: Floats
    coming: Floats
    past_year_ago: Floats
    coming_year_ago: Floats

    @property
    def weeks(self) -> list[date]:
        """Mondays of the coming weeks."""
        return [self.origin + timedelta(weeks=week) for week in range(WEEKS)]

    @property
    def past_first(self) -> date:
        """Monday of the first past week."""
        return self.origin - timedelta(weeks=WEEKS)


def booked_weeks(reservations: pl.DataFrame, vehicles: list[str], origin: date) -> BookedWeeks:
    """Sum up the canonical reservations."""
    booked = trips(reservations)
    every = booked["vehicle_id"].unique().sort().to_list()

    def fleet(first: date) -> Floats:
        return taken_days(booked, every, first, WEEKS).sum(axis=0)

    before = origin - timedelta(weeks=WEEKS)
    return BookedWeeks(
        origin=origin,
        vehicles=vehicles,
        by_vehicle=taken_days(booked, vehicles, origin, WEEKS),
        past=fleet(before),
        coming=fleet(origin),
        past_year_ago=fleet(before - LAST_YEAR),
        coming_year_ago=fleet(origin - LAST_YEAR),
    )
