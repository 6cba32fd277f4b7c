"""The columns of the league table that costs.csv makes possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from turo.data.tables import Tables
from turo.features.time import DAY, Floats, as_date
from turo.forecast.answers.earnings.distance_words import distance_words
from turo.forecast.answers.earnings.driven import driven
from turo.forecast.answers.earnings.earned import Earned, data_start, earned
from turo.forecast.answers.earnings.payback import data_too_short, owned, payback, profit
from turo.forecast.answers.earnings.week_draws import deviations, drawn_range, rates
from turo.forecast.answers.listed_spans import ListedSpans
from turo.forecast.forecast_columns import Types
from turo.words import by_number, counted

COST_COLUMNS: Types = {
    "profit": pl.Float64,  # of the window since the purchase: earned less monthly cost and distance
    "break_even_use": pl.Float64,  # at which the window's price a day would have met the cost
    "payback_from": pl.Date,  # when the purchase is paid back, at the likely highest and lowest earnings
    "payback_to": pl.Date,
    "payback_known": pl.Boolean,  # if so, without dates it is not paid back at these earnings
}


MOMENT = 1e-6  # days: less is the noise of sums


@dataclass(frozen=True)
class WithCosts:
    """`columns`: by window, `COST_COLUMNS` in the order of the fleet. `missing`: what cannot be told."""

    columns: Mapping[int, Mapping[str, Any]]
    missing: list[str]


def with_costs(  # noqa: PLR0913, PLR0917 - what earnings and costs are known of
    tables: Tables,
    fleet: ListedSpans,
    origin: int,
    weekly: Earned,
    windows: Mapping[int, Earned],
    costs: pl.DataFrame,
) -> WithCosts:
    """Of the columns of `turo.data.costs.COLUMNS`."""
    mine = owned(costs, fleet)
    distance = driven(tables, fleet, mine, origin)
    likely = _likely_a_day(fleet, origin, distance.left(weekly, fleet, origin, 7))
    first, last, known = payback(tables, fleet, mine, distance.pieces, origin, likely)
    found, earlier, start = {}, 0, data_start(tables)
    begins = np.maximum(mine.bought, start)  # what was earned before is not known, or somebody else's
    told = np.zeros(len(fleet.ids), bool)  # of whom there is a profit in the longest window
    for days, all_of_it in windows.items():
        own = earned(tables, fleet, origin, days, bought=begins)
        with np.errstate(invalid="ignore", divide="ignore"):
            window = distance.left(own, fleet, origin, days, begins)
            price = window.money[:, 0] / window.priced[:, 0]
            money = np.where(window.booked[:, 0] > 0, price * window.booked[:, 0], 0.0)
            left, cost = profit(mine, money, fleet.since, start, origin, days)
            use = np.where(price > 0, cost / (price * window.available[:, 0]), np.nan)
        if days == max(windows):
            told = np.isfinite(left) & (all_of_it.available[:, 0] > 0)
            before = (all_of_it.booked - own.booked > MOMENT)[:, 0] & (mine.bought > start)
            earlier = int((told & before).sum())
        found[days] = {
            "profit": left,
            "break_even_use": np.where(np.isfinite(use), use, np.nan),
            "payback_from": first,
            "payback_to": last,
            "payback_known": known,
        }
    whose = [vehicle for vehicle, has in zip(fleet.ids, told, strict=True) if has]
    missing = [*_not_given(costs), *distance_words(distance, costs.filter(pl.col("vehicle_id").is_in(whose)))]
    if start > origin - max(windows) * DAY:
        missing.append(
            f"Profit and break-even use count from {as_date(start)} on, where the reservations begin."
        )
    if earlier:
        missing.append(
            f"{counted(earlier, 'vehicle')} {by_number(earlier, 'has', 'have')} trips before the "
            f"purchase_date in the past {max(windows)} days: {by_number(earlier, 'its', 'their')} profit and "
            "break-even use count what was earned from that date on."
        )
    if short := data_too_short(tables, fleet, mine):
        missing.append(
            f"No payback is told of {counted(short, 'vehicle')}: the reservations begin after "
            f"{by_number(short, 'it was', 'they were')} bought and listed. Older trips would help."
        )
    return WithCosts(found, missing)


def _not_given(costs: pl.DataFrame) -> list[str]:
    """Sentences on what costs.csv leaves out."""
    undated = costs.filter(pl.col("purchase_price").is_not_null(), pl.col("purchase_date").is_null()).height
    unkept = costs["monthly_cost"].null_count()
    found = []
    for column, count, what in (
        ("purchase_date", undated, "no payback is told"),
        ("monthly_cost", unkept, "no profit, break-even use or payback is told"),
    ):
        if count:
            found.append(
                f"costs.csv does not have {column} of {counted(count, 'vehicle')}: {what} of "
                f"{by_number(count, 'it', 'them')}."
            )
    return found


def _likely_a_day(fleet: ListedSpans, origin: int, weekly: Earned) -> tuple[Floats, Floats]:
    """Money per calendar day of the past year that is likely lowest and highest, (vehicles,) each."""
    there = weekly.available > 0
    weeks = there.shape[1]
    listed = np.where(there.any(axis=1), weeks - there.argmax(axis=1), 0)
    year = Earned(
        *(
            values.sum(axis=1, keepdims=True)
            for values in (weekly.money, weekly.priced, weekly.booked, weekly.available)
        )
    )
    days = np.clip((origin - fleet.since) / DAY, 1, 7 * weeks)
    rate, share = rates(year)[:, 0], year.available[:, 0] / days
    below, above = drawn_range(deviations(weekly), listed, weeks)
    return np.maximum(rate + below, 0) * share, (rate + above) * share
