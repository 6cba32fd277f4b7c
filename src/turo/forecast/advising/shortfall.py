"""How far a vehicle's forecast lies below what it usually has: its own season and its class. Pure."""

from __future__ import annotations

import polars as pl

from turo.forecast.flags import LOOKS_GONE

LEAST_SHORT = 1.0  # days; less is chance, and no reason to do anything
LEAST_PEERS = 3  # other vehicles of a class whose mean says something; else all others of the fleet do
OWN, OF_CLASS, OF_FLEET = "own trips", "class", "fleet"  # where a price a day comes from


def shortfalls(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Every vehicle that can be booked, with what is at stake, most money first.

    Usual is the mean of two things, in days of this window: what the vehicle itself had in the same window 52
    weeks earlier, and what the others of its class are expected to have now at its own available days. Where
    one is not known the other stands alone.

    Args:
        rows: columns of FORECASTS, one horizon, booked days.
        classes: vehicle_id, class; vehicles without a class are compared with the fleet.

    Returns:
        The rows with class, season, class_level, usual, days_short, class_price (median), compared_with
        (whose that is), price_day, price_from, money_at_stake (null where no price is known at all).
    """
    here = rows.filter(pl.col("flag").ne_missing(LOOKS_GONE), pl.col("available_days") > 0)
    season = pl.min_horizontal("last_year", "available_days")
    named = here.join(classes, "vehicle_id", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("last_year").is_not_null()).then(season).alias("season")
    )
    level = pl.when(_peers("class") >= LEAST_PEERS).then(_share("class")).otherwise(_share())
    usual = pl.mean_horizontal("season", "class_level")
    of_class = pl.col("base_price_day").median().over("class")
    of_fleet = pl.col("base_price_day").median()
    return (
        named.with_columns((level * pl.col("available_days")).alias("class_level"))
        .with_columns(usual.alias("usual"))
        .with_columns(
            (pl.col("usual") - pl.col("mean")).clip(lower_bound=0.0).fill_null(0.0).alias("days_short"),
            pl.when(_peers("class") >= LEAST_PEERS).then(of_class).otherwise(of_fleet).alias("class_price"),
            pl.when(_peers("class") >= LEAST_PEERS)
            .then(pl.lit("its class"))
            .otherwise(pl.lit("the fleet"))
            .alias("compared_with"),
            pl.coalesce("base_price_day", of_class, of_fleet).alias("price_day"),
            pl.when(pl.col("base_price_day").is_not_null())
            .then(pl.lit(OWN))
            .when(of_class.is_not_null())
            .then(pl.lit(OF_CLASS))
            .when(of_fleet.is_not_null())
            .then(pl.lit(OF_FLEET))
            .alias("price_from"),
        )
        .with_columns((pl.col("days_short") * pl.col("price_day")).alias("money_at_stake"))
        .sort("money_at_stake", "days_short", "vehicle_id", descending=[True, True, False], nulls_last=True)
    )


def _peers(group: str) -> pl.Expr:
    """Other vehicles of the group; none where it is not known."""
    return pl.when(pl.col(group).is_not_null()).then(pl.len().over(group) - 1).otherwise(0)


def _share(group: str = "") -> pl.Expr:
    """What the others are expected to have, as a share of their available days; null without others."""

    def others(name: str) -> pl.Expr:
        total = pl.col(name).sum()
        return (total.over(group) if group else total) - pl.col(name)

    return pl.when(others("available_days") > 0).then(others("mean") / others("available_days"))
