"""How each vehicle was let in the past 52 weeks: its own usual, and prices beside others of its class."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from turo.data.tables import Tables
from turo.features.time import Floats, instant
from turo.forecast.advising.shortfall import IN_CLASS, IN_FLEET, LEAST_PEERS
from turo.forecast.advising.to_do import QUARTER
from turo.forecast.answers.earnings.earned import Earned, earned
from turo.forecast.answers.listed_spans import listed_spans
from turo.forecast.flags import LOOKS_GONE

WEEKS = 52
OWN_DAYS = 7 * QUARTER  # available days that a vehicle must have had for a usual of its own
SEASON_PEERS = 10  # of a class: a window of fewer tells chance rather than the season


def past_year(source: Tables, vehicles: list[str], origin: date, horizon: int) -> pl.DataFrame:
    """A row for each of `vehicles`, all of which can be booked now.

    Its own level is the share of its available days that were booked. Season is what the others of its class
    (of the fleet where they are fewer than SEASON_PEERS) had in the same window 52 weeks earlier, over what
    they had in the weeks in which the vehicle itself was offered. No vehicle is compared with itself.

    Args:
        horizon: days of the window that is forecast.

    Returns:
        vehicle_id, own_use (null under OWN_DAYS), season (1 where others do not tell it), compared_with (null
        under LEAST_PEERS others), own_price, others_price (money a booked day), use, others_use,
        earns_more (in the year or its last quarter; null where it is not known), earns_more_year (in the
        year).
    """
    fleet = listed_spans(source, ())
    place = {vehicle: number for number, vehicle in enumerate(fleet.ids)}
    at = np.array([place[vehicle] for vehicle in vehicles if vehicle in place], dtype=np.intp)
    weekly = earned(source, fleet, instant(origin), 7, WEEKS)
    mine = Earned(*(part[at] for part in (weekly.money, weekly.priced, weekly.booked, weekly.available)))
    group = fleet.group[at]
    alike = (group[:, None] == group[None, :]) & (group[:, None] >= 0)
    everyone = np.ones_like(alike)
    for mask in (alike, everyone):
        np.fill_diagonal(mask, val=False)
    in_class = alike.sum(axis=1) >= LEAST_PEERS
    peers = np.where(in_class[:, None], alike, everyone)
    told = in_class | (everyone.sum(axis=1) >= LEAST_PEERS)
    days = mine.available.sum(axis=1)
    use, price, money = _rates(mine, slice(None))
    others = Earned(*(peers @ part for part in (mine.money, mine.priced, mine.booked, mine.available)))
    others_use, others_price, others_money = _rates(others, slice(None))
    quarter, others_quarter = (_rates(one, slice(-QUARTER, None))[2] for one in (mine, others))
    year = money > others_money
    rows = pl.DataFrame(
        {
            "vehicle_id": [fleet.ids[number] for number in at],
            "own_use": np.where(days >= OWN_DAYS, use, np.nan),
            "season": _season(mine, alike, everyone, -(-horizon // 7)),
            "compared_with": [
                (IN_CLASS if near else IN_FLEET) if known else None
                for near, known in zip(in_class, told, strict=True)
            ],
            "own_price": price,
            "others_price": np.where(told, others_price, np.nan),
            "use": use,
            "others_use": np.where(told, others_use, np.nan),
            "earns_more": year | (quarter > others_quarter),
            "earns_more_year": year,
        },
        schema_overrides={"vehicle_id": pl.String, "compared_with": pl.String},
    )
    comparable = pl.col("own_price").is_not_null() & pl.col("others_price").is_not_null()
    return rows.with_columns(pl.col(pl.Float64).fill_nan(None)).with_columns(
        pl.when(comparable).then(name).alias(name) for name in ("earns_more", "earns_more_year")
    )


def of_forecast(source: Tables, forecasts: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """`past_year` of the vehicles of one horizon that do not look gone."""
    rows = forecasts.filter(pl.col("horizon_days") == horizon)
    here = rows.filter(pl.col("flag").ne_missing(LOOKS_GONE))["vehicle_id"].to_list()
    return past_year(source, here, forecasts["origin_date"][0], horizon)


def _rates(part: Earned, weeks: slice) -> tuple[Floats, Floats, Floats]:
    """Use, price of a booked day, and money an available day, (vehicles,) each; nan where not known."""
    money, priced, booked, available = (
        values[:, weeks].sum(axis=1) for values in (part.money, part.priced, part.booked, part.available)
    )
    use, price = _over(booked, available), _over(money, priced)
    return use, price, use * price


def _season(mine: Earned, alike: np.ndarray, everyone: np.ndarray, weeks: int) -> Floats:
    """(vehicles,) the first `weeks` of the year, 52 before those to come, over all that it was offered."""
    found = np.ones(len(alike))
    for mask, least in ((everyone, LEAST_PEERS), (alike, SEASON_PEERS)):
        booked, available = mask @ mine.booked, mask @ mine.available
        window = _over(booked[:, :weeks].sum(axis=1), available[:, :weeks].sum(axis=1))
        weight = np.where(available > 0, mine.available, 0.0)
        level = _over((weight * np.nan_to_num(_over(booked, available))).sum(axis=1), weight.sum(axis=1))
        enough = available[:, :weeks].sum(axis=1) >= least * 7 * weeks
        found = np.where(enough & (level > 0), _over(window, level), found)
    return found


def _over(above: Floats, below: Floats) -> Floats:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
