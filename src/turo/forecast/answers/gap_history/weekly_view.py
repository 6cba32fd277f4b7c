"""The fleet as it was known at the snapshot's weekday and hour of each of the last weeks.

Looks are taken exactly whole weeks before the snapshot rather than on Mondays, so that a day of the coming
weeks and the days it is compared with lie equally far ahead and on the same weekday.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from turo.data.tables import Tables
from turo.features.fleet_part import Part
from turo.features.inactive_vehicles import looks_gone
from turo.features.known_trips.intervals import spans
from turo.features.known_trips.trips import Trips, slim
from turo.features.scope import Scope, scope
from turo.features.time import NEVER, Flags, Floats, Ints, first_at_or_after, instant, weeks_until
from turo.features.vehicles import Vehicles
from turo.forecast.listed_vehicles import newest_minimum

AHEAD = 28  # days that a look goes ahead
YEAR = 52  # weeks whose outcome is counted: every season once
WEEKS = YEAR + AHEAD // 7  # the weeks of the newest four are not over; the last look is now
LEAST_DAYS = 1.0  # a trip of less is not sold


@dataclass(frozen=True)
class WeeklyView:
    """Looks in ascending order, the last one now.

    Attributes:
        scope: the looks are its origins.
        active: (vehicles, looks) in the fleet, and not looking gone, as far as one could know then.
        least_days: (vehicles,) the shortest trip a vehicle is let for, as the file has it now.
    """

    scope: Scope
    vehicles: Vehicles
    trips: Trips
    active: Flags
    least_days: Floats

    @classmethod
    def of(cls, tables: Tables, weeks: int = WEEKS) -> WeeklyView:
        """Of that many looks; those before the first known booking are left out."""
        rows = slim(tables.reservations, tables.revisions, tables.sightings)
        whole = Part(rows, tables.vehicles, tables.blocks)
        looks = weeks_until(instant(tables.snapshot), weeks)
        shared = scope(whole, tables.snapshot, AHEAD, False, looks, tables.sightings)
        vehicles = Vehicles.of(tables.vehicles, rows, shared.classes)
        trips = Trips.of(rows, vehicles.ids)
        # Whatever the file holds is known by its snapshot, also what has no booking date.
        trips = replace(trips, known=np.minimum(trips.known, shared.snapshot))
        first_known = np.full(len(vehicles), NEVER)
        np.minimum.at(first_known, trips.vehicle, trips.known)
        listed = np.where(vehicles.listed_from == NEVER, np.iinfo(np.int64).min, vehicles.listed_from)
        since = np.maximum(shared.history_start[None, :], listed[:, None])
        gone = looks_gone(trips, vehicles.listed_to, since, shared)
        active = vehicles.active(first_known, shared) & ~gone
        return cls(shared, vehicles, trips, active, _least_days(tables.vehicles, vehicles.ids))

    @property
    def looks(self) -> Ints:
        """Instants of the looks."""
        return self.scope.origins

    def on_books(self) -> tuple[Ints, Ints]:
        """(row of `trips`, look) of every trip on the books that is not over at the look.

        A cancellation without a date counts from when another booking or the snapshot shows it.
        """
        trips, looks = self.trips, self.looks
        until = np.minimum(np.minimum(trips.end, trips.left), np.where(trips.undated, trips.replaced, NEVER))
        row, look = spans(first_at_or_after(looks, trips.known), first_at_or_after(looks, until))
        shown = trips.undated[row] & self.scope.newest[look]
        return row[~shown], look[~shown]


def fleet_names(forecasts: pl.DataFrame) -> pl.DataFrame:
    """vehicle_id, vehicle: make, model and year, as the forecast tells them."""
    return forecasts.select("vehicle_id", "vehicle").unique("vehicle_id", keep="first", maintain_order=True)


def booking_dates(tables: Tables) -> tuple[int, int]:
    """How many reservations have no booking date, and how many there are."""
    rows = tables.reservations
    return rows["booked_at"].null_count(), len(rows)


def _least_days(vehicles: pl.DataFrame, ids: pl.Series) -> Floats:
    stated = newest_minimum(vehicles)
    found = ids.to_frame().join(stated, "vehicle_id", how="left", maintain_order="left")["min_trip_days"]
    return np.maximum(found.fill_null(LEAST_DAYS).to_numpy(), LEAST_DAYS).astype(np.float64)
