"""Rows of the newest origin in, forecast rows out. Pure: no file, no registry, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from turo.errors import InputError
from turo.forecast.champions import Champion
from turo.forecast.columns import FORECASTS
from turo.forecast.flags import ADVICE, flag
from turo.models.encoding import Columns, Field
from turo.training.table import arrays

ON_BOOKS = {"y_booked_days": "otb_days", "y_reservations": "otb_trips", "y_revenue": "otb_revenue"}
LAST_YEAR = {"y_booked_days": "lag_52w", "y_reservations": "lag_52w_trips", "y_revenue": "lag_52w_revenue"}
DERIVE_FROM = ("base_price_day", "mean_trip_days", "otb_days", "otb_trips", "otb_revenue")


@dataclass(frozen=True)
class Stamp:
    """Where and when a forecast comes from.

    Attributes:
        source: how booking dates are known (exact, snapshot, id_bound, none), several joined by `+`.
        digest: of the table the rows come from.
        now: UTC, naive.
    """

    source: str
    digest: str
    now: datetime


def columns_of(rows: pl.DataFrame, fields: tuple[Field, ...]) -> Columns:
    """The arrays a forecaster wants, as training saw them.

    Raises:
        InputError: the table lacks a feature the model was trained on.
    """
    missing = [field.name for field in fields if field.name not in rows.columns]
    if missing:
        raise InputError(
            f"The table lacks {', '.join(missing)}, which the model was trained on.",
            "Train the model again on the table as it is now.",
        )
    return arrays(rows, tuple(field.name for field in fields))


def score(rows: pl.DataFrame, champion: Champion, cars: pl.DataFrame, stamp: Stamp) -> pl.DataFrame:
    """Forecast of one horizon, a row a car, columns as FORECASTS.

    Args:
        rows: features of the cars at one origin.
        cars: vehicle_id, vehicle, available_days.
    """
    model = champion.forecaster
    features = columns_of(rows, model.fields)
    expected = model.predict(features)
    low, high = model.interval_around(expected)
    known = {name: _optional(rows, name) for name in {ON_BOOKS[model.target], LAST_YEAR[model.target]}}
    scored = rows.select("vehicle_id", "origin_date").with_columns(
        pl.Series("expected", expected),
        pl.Series("low", low),
        pl.Series("high", high),
        known[ON_BOOKS[model.target]].alias("on_books"),
        known[LAST_YEAR[model.target]].alias("last_year"),
        *(_optional(rows, name).alias(f"_{name}") for name in DERIVE_FROM),
    )
    booked_days = pl.lit(model.target == "y_booked_days")
    share = (pl.col("expected") / pl.col("available_days")).clip(upper_bound=1.0)
    named = scored.join(cars, "vehicle_id", how="left", maintain_order="left").with_columns(
        pl.lit(model.horizon_days).alias("horizon_days"),
        (pl.col("origin_date") + timedelta(days=model.horizon_days)).alias("window_end"),
        pl.lit(model.target).alias("target"),
        pl.lit(champion.name).alias("model"),
        pl.lit(champion.version).alias("version"),
        pl.lit(champion.run_id).alias("run_id"),
        pl.lit(champion.below_baseline).alias("below_baseline"),
        pl.when(booked_days & (pl.col("available_days") > 0)).then(share).alias("utilization"),
        (pl.col("expected") - pl.col("last_year")).alias("change"),
        pl.col("_base_price_day").alias("base_price_day"),
        *_derived(booked_days),
        pl.lit(stamp.source).alias("booked_at_source"),
        pl.lit(stamp.digest).alias("data_digest"),
        pl.lit(stamp.now).alias("created_at"),
    )
    flags = pl.when(booked_days).then(flag(pl.col("available_days"), pl.col("utilization")))
    advice = pl.col("flag").replace_strict(ADVICE, default=None, return_dtype=pl.String)
    flagged = named.with_columns(flags.alias("flag")).with_columns(advice.alias("advice"))
    return flagged.select(pl.col(name).cast(kind) for name, kind in FORECASTS.items())


def _derived(booked_days: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Reservations and revenue that follow from expected days; arithmetic, not a model.

    What is on the books plus the extra days at the car's own mean trip length and base price per day. Where
    the revenue on the books is unknown (export without booking dates), its days count at that price, too.
    """
    extra = (pl.col("expected") - pl.col("_otb_days")).clip(lower_bound=0.0)
    books = pl.coalesce(pl.col("_otb_revenue"), pl.col("_otb_days") * pl.col("_base_price_day"))
    reservations = pl.col("_otb_trips") + extra / pl.col("_mean_trip_days")
    return (
        pl.when(booked_days).then(reservations).alias("derived_reservations"),
        pl.when(booked_days).then(books + extra * pl.col("_base_price_day")).alias("derived_revenue"),
    )


def _optional(rows: pl.DataFrame, name: str) -> pl.Series:
    """A column as float64 with nulls, all null where the table lacks it."""
    if name in rows.columns:
        return rows[name].cast(pl.Float64).fill_nan(None)
    return pl.Series(name, [None] * len(rows), dtype=pl.Float64)
