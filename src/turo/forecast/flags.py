"""What a host may do about a vehicle, from its expected utilization.

Hosts' own key figures: at 70 % of the available days a vehicle is where it should be and has room for a
higher price; under 50 % its price or its listing is the problem.
"""

from __future__ import annotations

import polars as pl

BELOW_PLAN = 0.50
NEARLY_FULL = 0.70

ADVICE = {
    "below_plan": "below plan: lower price / open short trips",
    "nearly_full": "nearly full: raise price / raise minimum days / do maintenance in the gap",
    "on_plan": "on plan",
    "not_available": "no available days in the window",
}
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
    """A key of ADVICE by expected utilization; null where the target is not booked days."""
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
