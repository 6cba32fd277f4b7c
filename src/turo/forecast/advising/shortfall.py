"""How far a vehicle's forecast lies below what it usually has: its own season and its class. Pure."""

from __future__ import annotations

import polars as pl

from turo.forecast.flags import LOOKS_GONE

LEAST_PEERS = 3  # other vehicles whose mean says something
IN_CLASS, IN_FLEET = "the others of its class", "the others of the fleet"
LEAST_SHORT = 1.0  # days; less is chance, and no reason to do anything
OWN, OF_CLASS, OF_FLEET = "own trips", "class", "fleet"  # where a price a day comes from


def shortfalls(rows: pl.DataFrame, classes: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """Every vehicle that can be booked, with what is at stake, most money first.

    Usual, in days of this window, is the vehicle's own level of the past year at this season. One that has
    too little of a past is compared with what the others of its class are expected to have now, at its own
    available days and their price; where these are too few with the fleet; else nothing is known.

    Args:
        rows: columns of FORECASTS, one horizon, booked days; `calendar`: days of the window that are in the
            calendar as the file knows it now.
        classes: vehicle_id, class; vehicles without a class are compared with the fleet.
        past: of `turo.forecast.answers.past_year`.

    Returns:
        The rows with class, the columns of `past`, own_level, class_level, usual, days_short (0 where
        usual lies within the vehicle's range of 8 in 10), price_day, price_from, money_at_stake (null where
        no price is known at all).
    """
    here = rows.filter(pl.col("flag").ne_missing(LOOKS_GONE), pl.col("available_days") > 0)
    named = here.join(classes, "vehicle_id", how="left", maintain_order="left").join(
        past, "vehicle_id", how="left", maintain_order="left"
    )
    days = pl.col("available_days")
    at_season = pl.col("own_use") * pl.col("season") * days
    own_level = pl.when(at_season > days).then(days).otherwise(at_season)  # null stays null: it is young
    known = pl.max_horizontal("mean", "calendar")
    beyond = pl.col("high").is_null() | (pl.col("usual") > pl.col("high"))
    of_others = (
        pl.when(pl.col("compared_with") == IN_CLASS).then(pl.lit(OF_CLASS)).otherwise(pl.lit(OF_FLEET))
    )
    by_own = pl.col("own_level").is_not_null() & pl.col("base_price_day").is_not_null()
    return (
        named.with_columns(own_level.alias("own_level"), (_level() * days).alias("class_level"))
        .with_columns(pl.coalesce("own_level", "class_level").alias("usual"))
        .with_columns(
            pl.when(beyond)
            .then((pl.col("usual") - known).clip(lower_bound=0.0))
            .fill_null(0.0)
            .alias("days_short"),
            pl.when(by_own)
            .then("base_price_day")
            .otherwise(pl.coalesce("others_price", "base_price_day"))
            .alias("price_day"),
            pl.when(by_own)
            .then(pl.lit(OWN))
            .when(pl.col("others_price").is_not_null())
            .then(of_others)
            .when(pl.col("base_price_day").is_not_null())
            .then(pl.lit(OWN))
            .alias("price_from"),
        )
        .with_columns((pl.col("days_short") * pl.col("price_day")).alias("money_at_stake"))
        .sort("money_at_stake", "days_short", "vehicle_id", descending=[True, True, False], nulls_last=True)
    )


def _level() -> pl.Expr:
    """What the others are expected to have, as a share of their available days; null under LEAST_PEERS."""
    near = pl.when(pl.col("class").is_not_null()).then(pl.len().over("class") - 1).otherwise(0)
    return pl.when(near >= LEAST_PEERS).then(_share("class")).when(pl.len() - 1 >= LEAST_PEERS).then(_share())


def _share(group: str = "") -> pl.Expr:
    """Of the others of the group, or of all others."""

    def others(name: str) -> pl.Expr:
        total = pl.col(name).sum()
        return (total.over(group) if group else total) - pl.col(name)

    return pl.when(others("available_days") > 0).then(others("mean") / others("available_days"))
