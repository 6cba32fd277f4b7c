"""Features as of an origin date, targets after it: pure functions, the same for training and serving.

`build` makes the table of a whole fleet in this process; `turo.prepare.run` runs the two passes of `panel`
over Ray. `fleet_at` and `at` make the rows of one origin with the very same code.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from turo.errors import InputError
from turo.features import panel
from turo.features.fleet_context import Fleet
from turo.features.fleet_part import Part
from turo.features.known_trips.trips import books_priced, slim
from turo.features.scope import LAGS, LAST_YEAR, WEEK, Scope, scope
from turo.features.time import Ints, as_date, instant, weeks_until

if TYPE_CHECKING:
    from turo.data.load import Tables

__all__ = ["Part", "Scope", "at", "build", "fleet_at", "parts"]

CHUNK = 500  # vehicles worked on at a time


def build(  # noqa: PLR0913 - the tables and what is asked of them
    reservations: pl.DataFrame,
    vehicles: pl.DataFrame,
    blocks: pl.DataFrame | None,
    snapshot: datetime,
    horizon_days: int,
    *,
    origins: Ints | None = None,
    revisions: pl.DataFrame | None = None,
    sightings: pl.DataFrame | None = None,
    priced_books: bool = True,
) -> pl.DataFrame:
    """The whole table: a row for every vehicle and weekly origin, sorted by vehicle_id and origin_date.

    Args:
        reservations: canonical rows of the whole file.
        vehicles: canonical; a vehicle may have several lines that `valid_from` dates.
        blocks: vehicle_id, start, end and perhaps created_at; or None.
        snapshot: naive local instant up to which the file is complete; later windows get null targets.
        revisions: earlier dates of reservations (`turo.data.tables.REVISIONS`), where exports show them.
        sightings: exports that show trips still booked (`turo.data.tables.SIGHTINGS`).
        origins: instants (microseconds) one week apart instead of every Monday.
        priced_books: False where these are some of the rows of a file that has no safe revenue on the books.

    Raises:
        InputError: no reservations, no origin, or a horizon longer than the history.
    """
    whole = Part(slim(reservations, revisions, sightings), vehicles, blocks)
    priced = priced_books and books_priced(reservations)
    shared = scope(whole, snapshot, horizon_days, priced, origins, sightings)
    pieces = parts(whole, CHUNK)
    fleet = Fleet.total([panel.sums(piece, shared) for piece in pieces])
    return pl.concat([panel.table(piece, shared, fleet) for piece in pieces])


def of_tables(
    tables: Tables, horizon_days: int, *, origins: Ints | None = None, priced_books: bool = True
) -> pl.DataFrame:
    """`build` with all that was read of an input."""
    return build(
        tables.reservations,
        tables.vehicles,
        tables.blocks,
        tables.snapshot,
        horizon_days,
        origins=origins,
        revisions=tables.revisions,
        sightings=tables.sightings,
        priced_books=priced_books,
    )


def fleet_at(tables: Tables, origin: date, horizon_days: int, *, priced_books: bool = True) -> pl.DataFrame:
    """One row for each vehicle in the fleet at an origin (any weekday, 00:00), as it could be known then.

    Args:
        priced_books: see `build`.

    Raises:
        InputError: an origin after the snapshot.
    """
    moment = instant(origin)
    if moment > instant(tables.snapshot):
        raise InputError(
            f"Origin {origin} lies after the snapshot of {tables.snapshot.date()}: nothing is known yet.",
            "Ask for an earlier origin or bring a newer export.",
        )
    weeks = LAST_YEAR // WEEK + LAGS * -(-horizon_days // 7) + 1
    table = of_tables(tables, horizon_days, origins=weeks_until(moment, weeks), priced_books=priced_books)
    return table.filter(pl.col("origin_date") == as_date(moment))


def at(tables: Tables, vehicle_id: str, origin: date, horizon_days: int) -> pl.DataFrame:
    """The one row of a vehicle at an origin: the same values as in the prepared table.

    Raises:
        InputError: unknown vehicle, an origin after the snapshot or when the vehicle was not in the fleet.
    """
    row = fleet_at(tables, origin, horizon_days).filter(pl.col("vehicle_id") == vehicle_id)
    if row.is_empty():
        known = vehicle_id in tables.vehicles["vehicle_id"] or vehicle_id in tables.reservations["vehicle_id"]
        raise InputError(
            f"Vehicle {vehicle_id!r} is not in the fleet on {origin}."
            if known
            else f"No vehicle {vehicle_id!r}.",
            "Check vehicle_id, listed_from and listed_to in vehicles.csv.",
        )
    return row


def parts(whole: Part, size: int) -> list[Part]:
    """Split a fleet into parts of at most `size` vehicles, ascending by vehicle_id; slices, no copies."""
    rows, vehicles = whole.rows, whole.vehicles.sort("vehicle_id", maintain_order=True)
    ids = pl.concat([vehicles["vehicle_id"], rows["vehicle_id"]]).unique().sort()
    found = []
    for begin in range(0, len(ids), size):
        low, high = ids[begin], ids[min(begin + size, len(ids)) - 1]
        blocks = whole.blocks
        if blocks is not None:
            blocks = blocks.filter(pl.col("vehicle_id").is_between(pl.lit(low), pl.lit(high)))
        found.append(Part(_between(rows, low, high), _between(vehicles, low, high), blocks))
    return found


def _between(table: pl.DataFrame, low: str, high: str) -> pl.DataFrame:
    ids = table["vehicle_id"]
    start = int(ids.search_sorted(low, "left"))
    return table.slice(start, int(ids.search_sorted(high, "right")) - start)
