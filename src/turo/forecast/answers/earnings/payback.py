"""What is left after costs, the use at which nothing is, and when the purchase is paid back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from turo.data.tables import Tables
from turo.features.time import DAY, WEEK, Floats, Ints, as_date
from turo.forecast.answers.earnings.earned import data_start, paid_days
from turo.forecast.answers.listed_spans import ListedSpans

MONTH = 365.25 / 12  # days
LATEST = 50 * 365  # days ahead: later than that is no date to plan by


@dataclass(frozen=True)
class Owned:
    """Costs in the order of the fleet's vehicles, (vehicles,); nan where unknown.

    Attributes:
        price: paid for the vehicle.
        bought: instants; 0 where unknown.
        a_day: what a day of owning it costs.
        a_distance: what a unit of distance costs.
    """

    price: Floats
    bought: Ints
    a_day: Floats
    a_distance: Floats


def owned(costs: pl.DataFrame, fleet: ListedSpans) -> Owned:
    """Of the columns of `turo.data.costs.COLUMNS`."""
    rows = pl.DataFrame({"vehicle_id": fleet.ids}, schema={"vehicle_id": pl.String}).join(
        costs, "vehicle_id", how="left", maintain_order="left"
    )
    bought = rows["purchase_date"].cast(pl.Datetime("us")).dt.epoch("us").fill_null(0)
    return Owned(
        price=rows["purchase_price"].fill_null(np.nan).to_numpy(),
        bought=bought.to_numpy().astype(np.int64),
        a_day=rows["monthly_cost"].fill_null(np.nan).to_numpy() / MONTH,
        a_distance=rows["cost_per_distance"].fill_null(np.nan).to_numpy(),
    )


def profit(  # noqa: PLR0913, PLR0917 - what was earned, and how long it was owned
    mine: Owned, money: Floats, since: Ints, start: int, origin: int, days: int
) -> tuple[Floats, Floats]:
    """(vehicles,) money of a window less the costs of owning, and those costs; nan where one is unknown.

    Args:
        money: earned in the window of so many days that ends at the origin, less what its distance cost.
        since: when a vehicle without a date of purchase was first listed.
        start: when the file begins: costs of the time before do not count either.
    """
    begin = np.maximum(np.where(mine.bought > 0, mine.bought, since), start)
    cost = mine.a_day * np.clip((origin - begin) / DAY, 0, days)
    return money - cost, cost


def payback(  # noqa: PLR0913, PLR0917 - what trips left, and what is known of who earned it
    tables: Tables,
    fleet: ListedSpans,
    mine: Owned,
    distance_cost: pl.DataFrame,
    origin: int,
    a_day: tuple[Floats, Floats],
) -> tuple[list[date | None], list[date | None], list[bool]]:
    """From when to when the purchase is paid back, at what a day has brought in the past year; is that known?

    A trip without a price counts at the vehicle's own price a day since the purchase. Unknown where price,
    date or monthly cost is, or what a day brings, or the file begins after vehicle and purchase, or no trip
    since it has a price: both are None. Of known ones a date is None where at that rate the day never comes,
    or not in 50 years.

    Args:
        distance_cost: `Driven.pieces`: what the distance of trips took.
        a_day: lowest and highest likely money per calendar day, less what distance costs.
    """
    start = data_start(tables)
    paid = pl.concat([_valued(paid_days(tables), fleet, mine.bought, origin), distance_cost])
    flows = paid.partition_by("vehicle_id", as_dict=True)
    told = np.isfinite(mine.price) & np.isfinite(mine.a_day) & (mine.bought > 0)
    told &= np.maximum(mine.bought, fleet.since) >= start
    first: list[date | None] = [None] * len(fleet.ids)
    last: list[date | None] = [None] * len(fleet.ids)
    known = [False] * len(fleet.ids)
    for vehicle in np.flatnonzero(told):
        trips = flows.get((fleet.ids[vehicle],), paid.clear())
        mondays = np.append(np.arange(mine.bought[vehicle], origin, WEEK), origin)
        balance = _earned_by(trips, mondays, int(mine.bought[vehicle]))
        balance -= mine.a_day[vehicle] * (mondays - mine.bought[vehicle]) / DAY + mine.price[vehicle]
        over = np.flatnonzero(balance >= 0)
        if balance[-1] >= 0:
            first[vehicle] = last[vehicle] = as_date(int(mondays[over[0]]))
            known[vehicle] = True
            continue
        slow, fast = (float(rate[vehicle] - mine.a_day[vehicle]) for rate in a_day)
        first[vehicle], last[vehicle] = (_after(origin, -balance[-1], rate) for rate in (fast, slow))
        known[vehicle] = bool(np.isfinite([slow, fast, balance[-1]]).all())
    return first, last, known


def _valued(paid: pl.DataFrame, fleet: ListedSpans, bought: Ints, origin: int) -> pl.DataFrame:
    """What was paid from purchase to origin; days without a price at the vehicle's own, nan without any."""
    places = pl.DataFrame(
        {"vehicle_id": fleet.ids, "bought": bought}, schema_overrides={"vehicle_id": pl.String}
    )
    inside = pl.min_horizontal("end", pl.lit(origin)) - pl.max_horizontal("start", "bought")
    rows = paid.join(places, "vehicle_id", maintain_order="left").with_columns(inside=inside)
    length = pl.col("end") - pl.col("start")
    money = (pl.col("money") / length * pl.col("inside")).sum()
    price = money / pl.col("inside").filter(pl.col("money").is_not_null()).sum()
    return (
        rows.filter(pl.col("inside") > 0)
        .with_columns(pl.coalesce("money", price.over("vehicle_id") * length).alias("money"))
        .select(paid.columns)
    )


def data_too_short(tables: Tables, fleet: ListedSpans, mine: Owned) -> int:
    """Of how many vehicles with a price and a date the file does not hold what they earned at first."""
    late = (mine.bought > 0) & (np.maximum(mine.bought, fleet.since) < data_start(tables))
    return int((late & np.isfinite(mine.price)).sum())


def _after(origin: int, left: float, a_day: float) -> date | None:
    days = left / a_day if a_day > 0 else np.inf
    return as_date(origin + int(np.ceil(days)) * DAY) if days <= LATEST else None


def _earned_by(trips: pl.DataFrame, moments: Ints, since: int) -> Floats:
    """Money accrued from `since` to each moment."""
    start, end = (trips[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    money, begin = trips["money"].to_numpy(), np.maximum(start, since)
    inside = np.clip(moments[:, None] - begin, 0, np.maximum(end - begin, 0))
    earned: Floats = inside @ (money / (end - start))
    return earned
