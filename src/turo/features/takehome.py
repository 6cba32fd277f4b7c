"""The take-home profile: one row per vehicle, its attributes and how many reservations it got."""

from __future__ import annotations

import polars as pl

from turo.errors import InputError
from turo.table.names import CATEGORIES, IN_TRAINING
from turo.table.targets import RESERVATIONS

NUMBERS = (
    "technology",
    "actual_price",
    "recommended_price",
    "num_images",
    "street_parked",
    "description",
    "year",
)


def takehome(reservations: pl.DataFrame, vehicles: pl.DataFrame) -> pl.DataFrame:
    """vehicle_id, in_training (1), attributes that the file has, price ratio and difference, y_reservations.

    Sorted by vehicle_id. A price of 0 gives no ratio.

    Raises:
        InputError: no vehicles, or none of the attributes is there.
    """
    if vehicles.is_empty():
        raise InputError("There are no vehicles to prepare.", "Check vehicles.csv and rejected.csv.")
    table = vehicles.unique("vehicle_id", keep="last", maintain_order=True)
    numbers = [n for n in NUMBERS if n in table.columns and table[n].null_count() < len(table)]
    names = [n for n in CATEGORIES if n in table.columns and table[n].null_count() < len(table)]
    if not numbers and not names:
        raise InputError(
            f"vehicles.csv has none of the attributes {', '.join(NUMBERS)}.",
            "Bring the attribute file of the take-home data.",
        )
    counts = reservations.group_by("vehicle_id").agg(pl.len().cast(pl.Float64).alias(RESERVATIONS))
    prices = _prices() if {"actual_price", "recommended_price"} <= set(numbers) else []
    return (
        table.select("vehicle_id", *names, *(pl.col(n).cast(pl.Float64) for n in numbers))
        .with_columns(*prices)
        .join(counts, "vehicle_id", how="left")
        .with_columns(pl.col(RESERVATIONS).fill_null(0.0))
        .sort("vehicle_id")
        .insert_column(1, pl.repeat(1, len(table), dtype=pl.Int8, eager=True).alias(IN_TRAINING))
    )


def _prices() -> list[pl.Expr]:
    actual, recommended = pl.col("actual_price"), pl.col("recommended_price")
    ratio = pl.when(recommended > 0).then(actual / recommended).round(9)
    return [ratio.alias("price_ratio"), (actual - recommended).round(9).alias("price_difference")]
