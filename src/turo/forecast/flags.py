"""How full a vehicle is expected to be, in a word: a column of forecasts.csv that no page shows, no advice.

Hosts' own key figures: at 70 % of the available days a vehicle is where it should be; under 50 % it has
many empty days. What to do about which vehicle is told by `turo.forecast.advising`, from its own season and
class.
"""

from __future__ import annotations

import polars as pl

BELOW_PLAN = 0.50
NEARLY_FULL = 0.70

LOOKS_GONE = "looks_gone"  # asked about instead of advised; turo.features.inactive_vehicles has the rule


def ask(last_trip: pl.Expr) -> pl.Expr:
    """What to ask about a vehicle that looks gone; `last_trip` is a date, null where it never had one."""
    silent = (
        pl.when(last_trip.is_null())
        .then(pl.lit("yet"))
        .otherwise(pl.concat_str(pl.lit("since "), last_trip.cast(pl.String)))
    )
    return pl.concat_str(
        pl.lit("looks gone: no trip "),
        silent,
        pl.lit(" and nothing booked; enter listed_to in vehicles.csv, or a later date if it stays"),
    )


def flag(available_days: pl.Expr, utilization: pl.Expr) -> pl.Expr:
    """below_plan, nearly_full, on_plan, not_available; null where the target is not booked days."""
    return (
        pl.when(available_days <= 0)
        .then(pl.lit("not_available"))
        .when(utilization < BELOW_PLAN)
        .then(pl.lit("below_plan"))
        .when(utilization >= NEARLY_FULL)
        .then(pl.lit("nearly_full"))
        .when(utilization.is_not_null())
        .then(pl.lit("on_plan"))
    )
