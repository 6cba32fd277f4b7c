"""Errors of the forecasts whose windows are over, per registered version and origin."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from turo.errors import InputError
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import ACCURACY, ACCURACY_KEY, with_columns
from turo.forecast.horizon_tables import HorizonTable, data_folder, open_table
from turo.forecast.output import store
from turo.models.spread import TOLERANCE
from turo.settings import Settings
from turo.words import counted

logger = logging.getLogger(__name__)


def of_history(settings: Settings, tables: Sequence[HorizonTable]) -> pl.DataFrame:
    """Errors of all kept forecasts, of whatever horizon, and what was measured before."""
    folder = data_folder(settings)
    kept = store.read_history(folder)
    return merge(measure(kept, all_tables(settings, tables, kept)), folder / store.ACCURACY_CSV)


def all_tables(settings: Settings, tables: Sequence[HorizonTable], kept: pl.DataFrame) -> list[HorizonTable]:
    """The tables and those of further horizons that forecasts were kept of, where there is one."""
    known = {table.horizon_days: table for table in tables}
    for horizon in set(kept["horizon_days"].drop_nulls()) - set(known):
        try:
            known[horizon] = open_table(settings, horizon)
        except InputError as error:
            logger.info("Forecasts of %s are not measured: %s", counted(horizon, "day"), error)
    return list(known.values())


def errors(forecasts: pl.DataFrame, actuals: pl.DataFrame) -> pl.DataFrame:
    """Columns of ACCURACY, a row for each version, target, horizon and origin that has actuals.

    Args:
        forecasts: columns of FORECASTS.
        actuals: vehicle_id, origin_date, horizon_days, target, actual.
    """
    pairs = paired(forecasts, actuals)
    error = pl.col("median") - pl.col("actual")
    total = pl.col("actual").sum()
    summed = pl.col("actual").filter(pl.col("mean").is_not_null()).sum()
    measured = pairs.group_by(*ACCURACY_KEY).agg(
        pl.col("run_id").last(),
        pl.len().alias("rows"),
        error.abs().mean().alias("mae"),
        (pl.col("mean") - pl.col("actual")).mean().alias("bias"),
        pl.when(summed > 0).then(pl.col("mean").sum() / summed - 1).alias("total_bias"),
        pl.when(total > 0).then(error.abs().sum() / total).alias("wape"),
        pl.col("actual")
        .is_between(pl.col("low") - TOLERANCE, pl.col("high") + TOLERANCE)
        .mean()
        .alias("coverage"),
        (pl.col("on_books") - pl.col("actual")).abs().mean().alias("on_books_mae"),
    )
    return measured.select(pl.col(name).cast(kind) for name, kind in ACCURACY.items()).sort(*ACCURACY_KEY)


def paired(forecasts: pl.DataFrame, actuals: pl.DataFrame) -> pl.DataFrame:
    """The forecasts that have an `actual`, without vehicles that looked gone: zeros would flatter."""
    active = forecasts.filter(pl.col("flag").ne_missing(LOOKS_GONE))
    return active.join(actuals, ["vehicle_id", "origin_date", "horizon_days", "target"])


def measure(forecasts: pl.DataFrame, tables: list[HorizonTable]) -> pl.DataFrame:
    """Errors of all kept forecasts that the tables hold actuals for by now."""
    return errors(forecasts, actuals(forecasts, tables))


def actuals(forecasts: pl.DataFrame, tables: Sequence[HorizonTable]) -> pl.DataFrame:
    """vehicle_id, origin_date, horizon_days, target, actual of the forecasts whose windows are over."""
    found = [_actuals(forecasts, table) for table in tables]
    schema = {"vehicle_id": pl.String, "origin_date": pl.Date, "actual": pl.Float64}
    keyed = {**schema, "horizon_days": pl.Int64, "target": pl.String}
    return pl.concat([pl.DataFrame(schema=keyed), *(part for parts in found for part in parts)])


def merge(measured: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Add what the file says of forecasts that cannot be measured now: their table is no longer there."""
    if not path.exists():
        return measured
    try:
        before = with_columns(pl.read_csv(path, schema_overrides=ACCURACY), ACCURACY)
    except pl.exceptions.PolarsError as error:
        logger.warning("%s cannot be read: what it alone knew of earlier errors is lost: %s", path, error)
        return measured
    lost = before.join(measured, list(ACCURACY_KEY), how="anti")
    return pl.concat([measured, lost]).sort(*ACCURACY_KEY)


def _actuals(forecasts: pl.DataFrame, table: HorizonTable) -> list[pl.DataFrame]:
    made = forecasts.filter(pl.col("horizon_days") == table.horizon_days)
    parts = []
    for (target,), rows in made.group_by(["target"], maintain_order=True):
        origins: list[date] = rows["origin_date"].unique().sort().to_list()
        parts.append(
            table.actuals(str(target), origins).select(
                pl.col("vehicle_id").cast(pl.String),
                pl.col("origin_date").cast(pl.Date),
                pl.col("actual").cast(pl.Float64),
                pl.lit(table.horizon_days, pl.Int64).alias("horizon_days"),
                pl.lit(target, pl.String).alias("target"),
            )
        )
    return parts


def summary(accuracy: pl.DataFrame) -> pl.DataFrame:
    """One row for each version and horizon over all its origins, weighted by rows."""

    def mean(name: str) -> pl.Expr:
        rows = pl.col("rows").filter(pl.col(name).is_not_null()).sum()
        return pl.when(rows > 0).then((pl.col(name) * pl.col("rows")).sum() / rows).alias(name)

    return (
        accuracy.group_by("model", "version", "target", "horizon_days")
        .agg(
            pl.len().alias("origins"),
            pl.col("origin_date").min().alias("first"),
            pl.col("origin_date").max().alias("last"),
            *(mean(name) for name in ("mae", "bias", "total_bias", "coverage", "on_books_mae")),
            pl.col("rows").sum(),
        )
        .sort("horizon_days", "model", "version")
    )
