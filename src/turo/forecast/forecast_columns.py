"""The forecast table: its columns, their types, and which of them name a row."""

from __future__ import annotations

import polars as pl

from turo.table.names import OTHER_QUANTILES

MODEL, BASELINE = "model", "baseline"  # what makes a forecast, the column `method`
Types = dict[str, pl.DataType | type[pl.DataType]]
BESIDE_MEDIAN: Types = dict.fromkeys(OTHER_QUANTILES, pl.Float64)  # q05, q10, q25, q75, q90, q95

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
    "method": pl.String,  # model, or baseline: no model of this fleet could be used; `version` says which
    "chosen_because": pl.String,  # why this one forecasts
    "below_baseline": pl.Boolean,
    "on_books": pl.Float64,  # of the target, known at the origin
    "mean": pl.Float64,  # what is expected on average: the one that may be added up over the fleet
    "median": pl.Float64,  # the single best guess for one vehicle: as often too high as too low
    # Quantiles: of a hundred such windows 5 end with at most q05, and so on; null without a distribution.
    **BESIDE_MEDIAN,
    "low": pl.Float64,  # 80 % of outcomes are expected between low and high
    "high": pl.Float64,
    "available_days": pl.Float64,  # of the window: not blocked by the owner, not after listed_to; 0 = gone
    "utilization": pl.Float64,  # mean / available; only for booked days
    "last_year": pl.Float64,  # the same window 52 weeks earlier; null before the vehicle's history
    "change": pl.Float64,  # mean - last_year
    "reason_1": pl.String,  # what moves the model's number most, in words; null of a baseline
    "reason_2": pl.String,  # and what comes next
    "flag": pl.String,  # how full it is expected to be, in a word, or looks_gone
    "advice": pl.String,  # what to do, of the few vehicles of the week; what to ask where it looks gone
    "base_price_day": pl.Float64,  # the vehicle's own, over trips that ended
    "derived_reservations": pl.Float64,  # not a model's output: see turo.models.derived
    "derived_revenue": pl.Float64,
    "booked_at_source": pl.String,
    "data_digest": pl.String,
    "created_at": pl.Datetime("us"),  # UTC
}
KEY = ("vehicle_id", "origin_date", "horizon_days", "target", "model", "version")

# Sums over the vehicles that do not look gone, draw by draw; ranges are null without draws.
TOTALS: Types = {
    "origin_date": pl.Date,
    "horizon_days": pl.Int64,
    "target": pl.String,
    "level": pl.String,  # fleet or class
    "name": pl.String,  # of the class; empty for the fleet
    "model": pl.String,
    "version": pl.String,
    "vehicles": pl.Int64,
    "on_books": pl.Float64,
    "available_days": pl.Float64,
    "mean": pl.Float64,  # the sum of the vehicles' means
    "median": pl.Float64,  # of the sums: not the sum of the vehicles' medians
    **BESIDE_MEDIAN,
    "reservations_vehicles": pl.Int64,  # of which they are known: what the next three are summed over
    "reservations_mean": pl.Float64,  # derived, as in FORECASTS
    "reservations_q10": pl.Float64,
    "reservations_q90": pl.Float64,
    "revenue_vehicles": pl.Int64,
    "revenue_mean": pl.Float64,
    "revenue_q10": pl.Float64,
    "revenue_q90": pl.Float64,
    "created_at": pl.Datetime("us"),  # UTC
}
TOTALS_KEY = ("origin_date", "horizon_days", "target", "level", "name")
FLEET, CLASS = "fleet", "class"  # the column `level`

ACCURACY: Types = {
    "model": pl.String,
    "version": pl.String,
    "run_id": pl.String,
    "target": pl.String,
    "horizon_days": pl.Int64,
    "origin_date": pl.Date,
    "rows": pl.Int64,
    "mae": pl.Float64,  # of the median
    "bias": pl.Float64,  # of the mean: forecast - actual, above 0 = too much was expected
    "total_bias": pl.Float64,  # of the fleet: sum of means / sum of actuals - 1; null if nothing was booked
    "wape": pl.Float64,  # sum |error| / sum actual; null where nothing was booked
    "coverage": pl.Float64,  # share of actuals inside low..high; 0.8 is aimed at
    "on_books_mae": pl.Float64,  # error of the books alone on the same rows
}
ACCURACY_KEY = ("model", "version", "target", "horizon_days", "origin_date")

# The last 13 Mondays whose windows are over, a row a target, horizon and model; see turo.forecast.live.
LIVE: Types = {
    "target": pl.String,
    "horizon_days": pl.Int64,
    "model": pl.String,  # ALL_MODELS: of each Monday the forecast made last, whoever made it
    "last": pl.Date,  # the newest of the Mondays
    "first": pl.Date,
    "mondays": pl.Int64,  # that have a forecast
    "rows": pl.Int64,  # forecasts of a vehicle
    "coverage": pl.Float64,  # share of actuals inside low..high; 0.8 is aimed at
    "bias": pl.Float64,  # of the mean: forecast - actual
    "mae": pl.Float64,  # of the median
    "on_books_mae": pl.Float64,
    "best_baseline": pl.String,  # key of the best one on the same rows
    "best_baseline_mae": pl.Float64,
    "behind_baseline": pl.Float64,  # mae above it, in standard errors of vehicles; below 0: better
    "pinball": pl.Float64,  # mean over the quantiles
    "crps": pl.Float64,  # of the distribution that the quantiles draw
    "total_bias": pl.Float64,  # sum of means / sum of actuals - 1
    "total_coverage": pl.Float64,  # share of Mondays whose fleet total is inside q10..q90
    "total_mondays": pl.Int64,  # of which that range was kept
    "recent_coverage": pl.Float64,  # share inside low..high on the last 4 of these Mondays alone
    "recent_mondays": pl.Int64,  # of which there is a forecast
    "recent_vehicles": pl.Int64,  # different ones
    "error": pl.Float64,  # of the fleet's total: actual - forecast, mean of the Mondays that could be split
    "volume": pl.Float64,  # parts of the error, which add up to it
    "lead_time": pl.Float64,
    "cancellation": pl.Float64,
    "split_mondays": pl.Int64,
    "not_split": pl.String,  # why the newest of the others could not be
}
LIVE_KEY = ("target", "horizon_days", "model", "last")
ALL_MODELS = "all"

# The same Mondays one by one, for the fleet, of the forecast made last.
MONDAYS: Types = {
    "target": pl.String,
    "horizon_days": pl.Int64,
    "origin_date": pl.Date,
    "model": pl.String,
    "version": pl.String,
    "vehicles": pl.Int64,
    "on_books": pl.Float64,
    "forecast": pl.Float64,  # sum of the means
    "q10": pl.Float64,  # of the total as it was kept; null where it was not, or is of other vehicles
    "q90": pl.Float64,
    "actual": pl.Float64,
    "error": pl.Float64,  # actual - forecast
    "volume": pl.Float64,
    "lead_time": pl.Float64,
    "cancellation": pl.Float64,
    "not_split": pl.String,  # why the three are null
}
MONDAYS_KEY = ("target", "horizon_days", "origin_date")


def with_columns(table: pl.DataFrame, types: Types) -> pl.DataFrame:
    """The table with exactly these columns; those an older release did not write are null."""
    return table.select(
        (pl.col(name) if name in table.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in types.items()
    )
