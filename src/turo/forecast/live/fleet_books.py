"""What was on the books of a fleet at past origins, and what of it came true, from its reservations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import UNDATED, Tables
from turo.features.known_trips.trips import slim, without_date
from turo.features.time import Floats, instant
from turo.forecast.live.error_split import Books
from turo.forecast.occupied_days import taken_days, trips


@dataclass(frozen=True)
class FleetBooks:
    """Books at any origin by the rules of the features: a booking counts from its date until cancelled."""

    source: Tables

    def kept(self, origin: date, horizon: int, vehicles: list[str]) -> Floats:
        """Days (vehicles,) of the window that were booked by the origin and came true.

        Of a trip whose dates were changed later, what both the dates known at the origin and the last cover.
        """
        begin = datetime.combine(origin, time())
        rows = self._window(origin, horizon).filter(~cancelled(), pl.col("booked_at") <= begin)
        rows = rows.select("reservation_id", "vehicle_id", start="trip_start", end="trip_end")
        if self.source.revisions.height:
            then = self.source.revisions.filter(
                (pl.col("since").is_null() | (pl.col("since") <= begin)) & (pl.col("until") > begin)
            ).select("reservation_id", "trip_start", "trip_end")
            rows = rows.join(then, "reservation_id", how="left", maintain_order="left").with_columns(
                pl.max_horizontal("start", "trip_start").alias("start"),
                pl.min_horizontal("end", "trip_end").alias("end"),
            )
        real = rows.filter(pl.col("start") < pl.col("end"))
        return taken_days(real, vehicles, origin, 1, horizon)[:, 0]

    def undated(self, origin: date, horizon: int) -> int:
        """How many trips of the window have no booking date, so that nobody knows when they were booked."""
        window = self._window(origin, horizon)
        none = pl.col("booked_at").is_null() | pl.col("booked_at_source").eq_missing(UNDATED)
        return int(window.select(none.sum()).item())

    def computed(self, origin: date, horizon: int) -> Books | None:
        """The fleet's window; None where a cancellation or booking without a date makes its books unknown."""
        if origin < self.first_start or self._undated_cancellations(origin, horizon):
            return None
        if self.undated(origin, horizon):
            return None
        at = instant(origin)
        alive = self._slim.filter((pl.col("known") <= at) & (at < pl.col("left")))
        as_dates = [pl.col(name).cast(pl.Datetime("us")) for name in ("start", "end")]
        books = taken_days(alive.select("vehicle_id", *as_dates), self.vehicles, origin, 1, horizon)
        actual = taken_days(self._trips, self.vehicles, origin, 1, horizon)
        kept = np.minimum(self.kept(origin, horizon, self.vehicles), books[:, 0])
        return Books(float(books.sum()), float(kept.sum()), float(actual.sum()))

    @cached_property
    def vehicles(self) -> list[str]:
        """All that ever had a reservation."""
        return self.source.reservations["vehicle_id"].unique().sort().to_list()

    @cached_property
    def first_start(self) -> date:
        """When the first trip begins: what was on the books before is not in the file."""
        first = self.source.reservations["trip_start"].min()
        return first.date() if isinstance(first, datetime) else date.max

    @cached_property
    def _slim(self) -> pl.DataFrame:
        return slim(self.source.reservations, self.source.revisions, self.source.sightings)

    @cached_property
    def _trips(self) -> pl.DataFrame:
        return trips(self.source.reservations)

    def _undated_cancellations(self, origin: date, horizon: int) -> bool:
        """Was a trip of this window, booked by the origin, cancelled nobody knows when?"""
        begin = datetime.combine(origin, time())
        booked = self._window(origin, horizon).filter(pl.col("booked_at") <= begin)
        return bool(booked.select((without_date() & (pl.col("trip_start") >= begin)).any()).item())

    def _window(self, origin: date, horizon: int) -> pl.DataFrame:
        begin = datetime.combine(origin, time())
        touches = (pl.col("trip_end") > begin) & (pl.col("trip_start") < begin + timedelta(days=horizon))
        return self.source.reservations.filter(touches)
