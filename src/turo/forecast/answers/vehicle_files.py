"""What each vehicle's page shows beside its forecast: booked days by week, and forecasts that are over."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from turo.forecast.answers.answer import Facts
from turo.forecast.live import judged_forecasts
from turo.forecast.occupied_days import taken_days, trips

PAST, COMING = 26, 13  # weeks
LAST_YEAR = timedelta(weeks=52)  # the same weekdays
VEHICLE_WEEKS, VEHICLE_TRACK = "vehicle_weeks", "vehicle_track"  # the files' names

TRACK = {
    "vehicle_id": pl.String,
    "origin_date": pl.Date,
    "horizon_days": pl.Int64,
    "target": pl.String,
    "model": pl.String,
    "version": pl.String,
    "mean": pl.Float64,
    "median": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "actual": pl.Float64,
}


def vehicle_files(facts: Facts) -> dict[str, pl.DataFrame]:
    """Tables for the folder `report/` by their names."""
    return {VEHICLE_WEEKS: vehicle_weeks(facts), VEHICLE_TRACK: vehicle_track(facts)}


def vehicle_weeks(facts: Facts) -> pl.DataFrame:
    """Booked days of each forecast vehicle in each week around the origin.

    Returns:
        vehicle_id, week (its Monday), booked (days, cancelled trips left out), year_ago (of the week 52 weeks
        earlier; null before the vehicle's first trip), a row for each of PAST + COMING weeks.
    """
    vehicles = facts.forecasts["vehicle_id"].unique().sort().to_list()
    booked = trips(facts.tables.reservations)
    first, count = facts.origin - timedelta(weeks=PAST), PAST + COMING
    weeks = [first + timedelta(weeks=week) for week in range(count)]
    began = booked.group_by("vehicle_id").agg(pl.col("start").min().dt.date().alias("began"))
    table = pl.DataFrame(
        {
            "vehicle_id": np.repeat(np.array(vehicles, dtype=object), count).tolist(),
            "week": weeks * len(vehicles),
            "booked": taken_days(booked, vehicles, first, count).ravel(),
            "year_ago": taken_days(booked, vehicles, first - LAST_YEAR, count).ravel(),
        },
        schema={"vehicle_id": pl.String, "week": pl.Date, "booked": pl.Float64, "year_ago": pl.Float64},
    )
    known = pl.col("week") - LAST_YEAR + timedelta(weeks=1) > pl.col("began")
    year_ago = pl.when(known).then("year_ago").alias("year_ago")
    return table.join(began, "vehicle_id", how="left", maintain_order="left").select(
        "vehicle_id", "week", "booked", year_ago
    )


def vehicle_track(facts: Facts) -> pl.DataFrame:
    """What was said of each vehicle on the last 13 Mondays whose windows are over, and what came: TRACK."""
    pairs = judged_forecasts.made_last(facts.history, facts.horizon_tables)
    if pairs.is_empty():
        return pl.DataFrame(schema=TRACK)
    rows = judged_forecasts.of_all_models(judged_forecasts.newest_mondays(pairs))
    here = rows.join(facts.forecasts, ["vehicle_id", "horizon_days", "target"], how="semi")
    return here.select(*TRACK).sort("vehicle_id", "horizon_days", "origin_date")
