"""The canonical schema, checked where tables leave this package: what features may rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from turo.data.canonical_statuses import STATUSES, cancelled
from turo.data.tables import BOOKED_SOURCES, RESERVATIONS, UNDATED, VEHICLES

if TYPE_CHECKING:
    import pandera.polars as pa

NULLABLE = frozenset(
    {"booked_at", "cancelled_at", "trip_price", "discounts", "fees", "total_earnings", "distance"}
)


def validate(reservations: pl.DataFrame, vehicles: pl.DataFrame) -> None:
    """Check both tables against the schema.

    Raises:
        pandera.errors.SchemaErrors: a reader has let something through; a defect here, not in the input.
    """
    reservation_schema().validate(reservations, lazy=True)
    vehicle_schema().validate(vehicles, lazy=True)
    unlisted = reservations.join(vehicles, on="vehicle_id", how="anti")
    if unlisted.height:
        raise AssertionError(f"{unlisted.height} reservations of vehicles that the vehicles table lacks")


def reservation_schema() -> pa.DataFrameSchema:
    """One row a reservation; trips end after they start; a booking time unless its source is `none`."""
    import pandera.polars as pa

    columns = {name: pa.Column(kind, nullable=name in NULLABLE) for name, kind in RESERVATIONS.items()}
    columns["reservation_id"] = pa.Column(pl.String, unique=True)
    columns["status"] = pa.Column(pl.String, pa.Check.isin(STATUSES))
    columns["booked_at_source"] = pa.Column(pl.String, pa.Check.isin(BOOKED_SOURCES))
    checks = [
        _rule("trip_end is after trip_start", pl.col("trip_end") > pl.col("trip_start")),
        _rule(
            "booked_at is there unless its source is none",
            pl.col("booked_at").is_null() == (pl.col("booked_at_source") == UNDATED),
        ),
        _rule(
            "cancelled_at only on cancelled rows",
            pl.col("cancelled_at").is_null() | cancelled(),
        ),
    ]
    return pa.DataFrameSchema(columns, checks=checks, strict=True, ordered=True)


def vehicle_schema() -> pa.DataFrameSchema:
    """One row a vehicle and `valid_from`, in the columns of `tables.VEHICLES`; attributes may follow."""
    import pandera.polars as pa

    columns = {name: pa.Column(kind, nullable=True) for name, kind in VEHICLES.items()}
    columns["vehicle_id"] = pa.Column(pl.String)
    return pa.DataFrameSchema(columns, unique=["vehicle_id", "valid_from"])


def _rule(name: str, holds: pl.Expr) -> pa.Check:
    import pandera.polars as pa

    return pa.Check(lambda data: data.lazyframe.select(holds), name=name, error=name)
