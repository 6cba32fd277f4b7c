"""The forecast table: its columns, their types, and which of them name a row."""

from __future__ import annotations

import polars as pl

Types = dict[str, pl.DataType | type[pl.DataType]]

FORECASTS: Types = {
    "vehicle_id": pl.String,
    "vehicle": pl.String,  # make, model and year; no nickname, no plate
    "origin_date": pl.Date,  # the window begins at its midnight
    "horizon_days": pl.Int64,
    "window_end": pl.Date,  # exclusive
    "target": pl.String,
    "model": pl.String,
    "version": pl.String,
    "run_id": pl.String,
    "below_baseline": pl.Boolean,
    "on_books": pl.Float64,  # of the target, known at the origin
    "expected": pl.Float64,
    "low": pl.Float64,  # 80 % of outcomes are expected between low and high
    "high": pl.Float64,
    "available_days": pl.Float64,  # of the window: not blocked by the owner, not after listed_to
    "utilization": pl.Float64,  # expected / available; only for booked days
    "last_year": pl.Float64,  # the same window 52 weeks earlier; null before the car's history
    "change": pl.Float64,  # expected - last_year
    "flag": pl.String,
    "advice": pl.String,
    "base_price_day": pl.Float64,  # the car's own, over trips that ended
    "derived_reservations": pl.Float64,  # not a model's output: see turo.forecast.derived
    "derived_revenue": pl.Float64,
    "booked_at_source": pl.String,
    "data_digest": pl.String,
    "created_at": pl.Datetime("us"),  # UTC
}
KEY = ("vehicle_id", "origin_date", "horizon_days", "target", "model", "version")

ACCURACY: Types = {
    "model": pl.String,
    "version": pl.String,
    "run_id": pl.String,
    "target": pl.String,
    "horizon_days": pl.Int64,
    "origin_date": pl.Date,
    "rows": pl.Int64,
    "mae": pl.Float64,
    "bias": pl.Float64,  # forecast - actual: above 0 = too many booked days were expected
    "wape": pl.Float64,  # sum |error| / sum actual; null where nothing was booked
    "coverage": pl.Float64,  # share of actuals inside low..high; 0.8 is aimed at
    "on_books_mae": pl.Float64,  # error of the books alone on the same rows
}
ACCURACY_KEY = ("model", "version", "target", "horizon_days", "origin_date")
