"""What came true of past forecasts, by what the host's files say now."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from turo.data.tables import Tables
from turo.errors import InputError
from turo.features.build import of_tables
from turo.replay.columns import FLEET, SAID, TRUE, ordered
from turo.table.names import HORIZON, LOOKS_GONE, ORIGIN, VEHICLE
from turo.table.targets import BOOKED_DAYS, REVENUE
from turo.words import by_number, counted

KEY = [ORIGIN, HORIZON, VEHICLE]


def with_outcome(said: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Add the columns of `TRUE`; the fleet's are sums over the vehicles that its forecast adds up.

    A part of these vehicles is no outcome of the fleet: where one has no actual, the fleet has none.

    Args:
        said: columns of `SAID`, and baselines.
        tables: all files, as they are now.
    """
    came = _outcomes(tables, said["horizon_days"].unique().sort().to_list())
    joined = said.join(came, KEY, how="left", maintain_order="left")
    counted = pl.col("level").ne(FLEET) & ~pl.col(LOOKS_GONE)
    known = counted & pl.col("actual_revenue").is_not_null()
    window = ["origin_date", "horizon_days"]
    over = counted & pl.col("actual").is_not_null()
    sums = joined.group_by(window).agg(
        pl.when(over.any() & (over.sum() == counted.sum()))
        .then(pl.col("actual").filter(over).sum())
        .alias("fleet_actual"),
        pl.when(known.any()).then(pl.col("actual_revenue").filter(known).sum()).alias("fleet_revenue"),
        pl.col("actual").filter(known).sum().alias("priced_days"),
        (known.sum() == counted.sum()).alias("all_priced"),
    )
    fleet = pl.col("level") == FLEET
    told = joined.join(sums, window, how="left", maintain_order="left").with_columns(
        pl.when(fleet).then("fleet_actual").otherwise("actual").alias("actual"),
        pl.when(fleet & pl.col("all_priced"))
        .then("fleet_revenue")
        .when(~fleet)
        .then("actual_revenue")
        .alias("actual_revenue"),
        pl.when(fleet & (pl.col("priced_days") > 0))
        .then(pl.col("fleet_revenue") / pl.col("priced_days"))
        .alias("price_day"),
    )
    numbers = [name for name, kind in TRUE.items() if kind == pl.Float64]
    return ordered(told, SAID | TRUE).with_columns(pl.col(numbers).round(6))


def partly_known(record: pl.DataFrame) -> list[str]:
    """How many windows of the fleet are in no figure, as some of its vehicles have no actual."""
    fleet = pl.col("level") == FLEET
    window = ["origin_date", "horizon_days"]
    told = record.filter(~fleet, ~pl.col(LOOKS_GONE), pl.col("actual").is_not_null())
    lost = record.filter(fleet, pl.col("actual").is_null()).join(told, window, how="semi")
    if lost.is_empty():
        return []
    return [
        f"What came true of {counted(len(lost), 'window')} of the fleet is not known, as some of "
        f"{by_number(len(lost), 'its', 'their')} vehicles have no row in today's files: "
        f"{by_number(len(lost), 'this window is', 'these windows are')} in no figure of the fleet."
    ]


def _outcomes(tables: Tables, horizons: Sequence[int]) -> pl.DataFrame:
    """KEY, actual and actual_revenue of the windows that are over."""
    schema = {ORIGIN: pl.Date, HORIZON: pl.Int64, VEHICLE: pl.String}
    parts = [pl.DataFrame(schema={**schema, "actual": pl.Float64, "actual_revenue": pl.Float64})]
    for horizon in horizons:
        try:
            frame = of_tables(tables, horizon)
        except InputError:  # no window of that length is over yet
            continue
        parts.append(
            frame.select(
                *(pl.col(name).cast(kind) for name, kind in schema.items()),
                pl.col(BOOKED_DAYS).alias("actual"),
                pl.col(REVENUE).alias("actual_revenue"),
            )
        )
    return pl.concat(parts)
