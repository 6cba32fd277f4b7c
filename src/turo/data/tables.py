"""The canonical tables every profile is normalised to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from turo.data.fleet_sketch import Identity

INSTANT = pl.Datetime("us")
# Where `booked_at` is from: the file, an older export that did not have the trip, the order of ids, nowhere.
BOOKED_SOURCES = EXACT, SEEN, ID_BOUND, UNDATED = ("exact", "snapshot", "id_bound", "none")

RESERVATIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "reservation_id": pl.String,
    "vehicle_id": pl.String,
    "trip_start": INSTANT,  # naive wall clock where the vehicle is
    "trip_end": INSTANT,
    "status": pl.String,
    "booked_at": INSTANT,
    "booked_at_source": pl.String,
    "cancelled_at": INSTANT,  # of an export: end of the day of the first that shows it, if before the start
    "trip_price": pl.Float64,  # host share, boost included, as booked; null = unknown
    "discounts": pl.Float64,  # <= 0
    "fees": pl.Float64,
    "total_earnings": pl.Float64,
    "distance": pl.Float64,  # >= 0, in the file's unit; known after the trip: for accounting, never a feature
}
REVISIONS: dict[str, pl.DataType | type[pl.DataType]] = {  # dates a reservation had before they were changed
    "reservation_id": pl.String,
    "trip_start": INSTANT,
    "trip_end": INSTANT,
    "trip_price": pl.Float64,
    "discounts": pl.Float64,
    "since": INSTANT,  # known from then on; null = from the booking
    "until": INSTANT,  # the next dates are known from then on
}
SIGHTINGS: dict[str, pl.DataType | type[pl.DataType]] = {  # exports that show a trip still booked
    "reservation_id": pl.String,
    "seen": INSTANT,  # end of the export's day, before the trip's start
}
VEHICLES: dict[str, pl.DataType | type[pl.DataType]] = {
    "vehicle_id": pl.String,
    "vehicle_name": pl.String,
    "make": pl.String,
    "model": pl.String,
    "year": pl.Int64,
    "class": pl.String,
    "fuel": pl.String,
    "state": pl.String,
    "timezone": pl.String,
    "list_price": pl.Float64,
    "min_trip_days": pl.Float64,
    "listed_from": pl.Date,
    "listed_to": pl.Date,
    "valid_from": pl.Date,  # since when list_price and the like hold; null = only known for today
}
ATTRIBUTES: dict[str, pl.DataType | type[pl.DataType]] = {  # of the take-home files, optional elsewhere
    "technology": pl.Float64,
    "actual_price": pl.Float64,
    "recommended_price": pl.Float64,
    "num_images": pl.Float64,
    "street_parked": pl.Float64,
    "description": pl.Float64,
}
BLOCKS: dict[str, pl.DataType | type[pl.DataType]] = {
    "vehicle_id": pl.String,
    "start": INSTANT,
    "end": INSTANT,
    "created_at": INSTANT,  # when the owner blocked the days; null = unknown
}
REJECTED: dict[str, pl.DataType | type[pl.DataType]] = {
    "file": pl.String,
    "line": pl.Int64,  # the header is line 1
    "reason": pl.String,
}


def empty(schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """A table of that schema without rows."""
    return pl.DataFrame(schema=dict(schema))


@dataclass(frozen=True)
class Tables:
    """What was read: accepted rows, rejected rows, and what the reader has to say about them.

    `snapshot` is naive local time; no row knows anything later. `inputs` maps a file name to its digest
    and number of rows. `fleet` says whose data it is, `known_fleets` whose the data folder has seen.
    """

    profile: str
    reservations: pl.DataFrame
    vehicles: pl.DataFrame
    blocks: pl.DataFrame | None
    snapshot: datetime
    rejected: pl.DataFrame
    warnings: list[str] = field(default_factory=list)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: pl.DataFrame = field(default_factory=lambda: empty(REVISIONS))
    sightings: pl.DataFrame = field(default_factory=lambda: empty(SIGHTINGS))
    fleet: Identity | None = None
    known_fleets: tuple[Identity, ...] = ()
