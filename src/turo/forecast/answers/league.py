"""League table: what each vehicle earned per available day, and whether that differs from its class."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from turo.data.costs import read_costs
from turo.features.time import Floats, instant
from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.earnings import week_draws
from turo.forecast.answers.earnings.costs_columns import COST_COLUMNS, WithCosts, with_costs
from turo.forecast.answers.earnings.earned import Earned, earned
from turo.forecast.answers.listed_spans import ListedSpans, listed_spans
from turo.forecast.forecast_columns import Types
from turo.table.names import LOOKS_GONE
from turo.words import by_number, counted

KEY = "league"
WINDOWS = {28: 4, 91: 13, 365: 52}  # days, and the weeks that are drawn for them
MAIN = 91  # the window by which the page is ordered
BETTER, WORSE, SAME = "better", "worse", "cannot be told apart"
NOT_COMPARED = "not compared"  # no others, no price, or too short a time
LEAST_DAYS = 7  # available days of a window without which nothing is compared
SHOWN = 10  # of either end of the table
COLUMNS: Types = {
    "vehicle_id": pl.String,
    "vehicle": pl.String,
    "class": pl.String,
    "window_days": pl.Int64,
    "earned_per_day": pl.Float64,  # money per available day = price_day x use
    "price_day": pl.Float64,  # money per booked day
    "use": pl.Float64,  # booked / available days
    "available_days": pl.Float64,
    "class_earned_per_day": pl.Float64,  # of the other vehicles of its class, and so on
    "class_price_day": pl.Float64,
    "class_use": pl.Float64,
    "difference": pl.Float64,  # earned_per_day - class_earned_per_day
    "low": pl.Float64,  # 19 of 20 likely differences lie between these
    "high": pl.Float64,
    "verdict": pl.String,
}


def answer(facts: Facts) -> Answer:
    """The vehicles of the forecast that do not look gone, over 28, 91 and 365 days."""
    gone = facts.forecasts.filter(pl.col("flag").eq_missing(LOOKS_GONE))["vehicle_id"].unique().to_list()
    here = facts.forecasts.filter(~pl.col("vehicle_id").is_in(gone))["vehicle_id"].unique().to_list()
    fleet = listed_spans(facts.tables, gone)
    origin = instant(facts.origin)
    weekly = earned(facts.tables, fleet, origin, 7, max(WINDOWS.values()))
    windows = {days: earned(facts.tables, fleet, origin, days) for days in WINDOWS}
    costs = read_costs(str(facts.folder), fleet.ids, facts.origin)
    priced, mine = None, costs.rows.filter(pl.col("vehicle_id").is_in(here))
    if mine.height:
        priced = with_costs(facts.tables, fleet, origin, weekly, windows, mine)
    rows = league_rows(fleet, weekly, windows, priced).filter(pl.col("vehicle_id").is_in(here))
    view = {
        "has_costs": priced is not None,
        "costs_file": costs.found,
        "classes": bool(fleet.classes),
        "main": MAIN,
        "origin": facts.origin,
        "windows": list(WINDOWS),
        **_told(rows),
    }
    missing = [*_missing(rows), *costs.problems, *(priced.missing if priced else ())]
    return Answer(KEY, rows, view, missing)


def league_rows(
    fleet: ListedSpans, weekly: Earned, windows: dict[int, Earned], priced: WithCosts | None = None
) -> pl.DataFrame:
    """`COLUMNS`, with those of costs where there are any; best of each window first."""
    peers = week_draws.others(weekly, fleet.group)
    deviation = week_draws.deviations(weekly) - week_draws.deviations(peers)
    there = weekly.available > 0
    listed = np.where(there.any(axis=1), there.shape[1] - there.argmax(axis=1), 0)
    found = []
    for days, window in windows.items():
        mine, rest = _split(window), _split(week_draws.others(window, fleet.group))
        difference = mine["earned_per_day"] - rest["earned_per_day"]
        below, above = week_draws.drawn_range(deviation, listed, WINDOWS[days])
        enough = window.available[:, 0] >= LEAST_DAYS
        low, high = (np.where(enough, difference + off, np.nan) for off in (below, above))
        facts: dict[str, Any] = {
            "vehicle_id": fleet.ids,
            "vehicle": fleet.names,
            "class": [fleet.classes[group] if group >= 0 else "" for group in fleet.group],
            "window_days": days,
            **mine,
            "available_days": window.available[:, 0],
            **{f"class_{name}": values for name, values in rest.items()},
            "difference": difference,
            "low": low,
            "high": high,
            "verdict": np.select(
                [np.isnan(low), low > 0, high < 0], [NOT_COMPARED, BETTER, WORSE], SAME
            ).tolist(),
        }
        types = COLUMNS
        if priced:
            facts, types = {**facts, **priced.columns[days]}, COLUMNS | COST_COLUMNS
        found.append(pl.DataFrame(facts).cast(dict(types)).select(*types))  # type: ignore[arg-type]
    rows = (
        pl.concat(found).with_columns(pl.col(pl.Float64).fill_nan(None)).filter(pl.col("available_days") > 0)
    )
    return rows.sort(
        "window_days", "earned_per_day", "vehicle_id", descending=[False, True, False], nulls_last=True
    )


def _split(window: Earned) -> dict[str, Floats]:
    """Of one window, (vehicles,) each; the first is the product of the others."""
    with np.errstate(invalid="ignore", divide="ignore"):
        use = (window.booked / window.available)[:, 0]
        price = (window.money / window.priced)[:, 0]
    # a vehicle without a booking has no price, but it is known to have earned nothing
    return {"earned_per_day": np.where(use == 0, 0.0, price * use), "price_day": price, "use": use}


def _told(rows: pl.DataFrame) -> dict[str, Any]:
    """The two ends of the table by the main window, each vehicle with its other windows beside.

    Without any price there is nothing to order by, and no end.
    """
    main = rows.filter(window_days=MAIN)
    if not _any_price(rows):
        main = main.clear()
    several = main.height > 2 * SHOWN
    ends = [("Highest", main.head(SHOWN)), ("Lowest", main.tail(SHOWN))] if several else [("", main)]
    if main.is_empty():
        ends = []
    earned_by = {
        (vehicle, days): money
        for vehicle, days, money in rows.select("vehicle_id", "window_days", "earned_per_day").rows()
    }
    verdicts = dict(main["verdict"].value_counts().rows())
    year = {row["vehicle_id"]: row for row in rows.filter(window_days=max(WINDOWS)).to_dicts()}
    return {
        "ends": [
            (
                title,
                [
                    row
                    | {"earned": [earned_by.get((row["vehicle_id"], days)) for days in WINDOWS]}
                    | {"year": year.get(row["vehicle_id"])}
                    for row in end.to_dicts()
                ],
            )
            for title, end in ends
        ],
        "vehicles": main.height,
        "compared": sum(verdicts.get(name, 0) for name in (BETTER, WORSE, SAME)),
        "verdicts": {name: verdicts.get(name, 0) for name in (BETTER, WORSE, SAME, NOT_COMPARED)},
    }


def _any_price(rows: pl.DataFrame) -> bool:
    return bool(rows["price_day"].is_not_null().any())


def _missing(rows: pl.DataFrame) -> list[str]:
    missing = []
    if not _any_price(rows):
        missing.append("No trip has a price, so nothing is told of money. The column trip_price would help.")
    main = rows.filter(window_days=MAIN)
    classless = main.filter(pl.col("class") == "")
    without = classless.height
    compared = classless["difference"].count() > 0
    if without and without == main.height:
        missing.append(
            "No vehicle has a class (column class of vehicles.csv)"
            + (": each is compared with the others of the fleet." if compared else ".")
        )
    elif without:
        missing.append(
            f"{counted(without, 'vehicle')} {by_number(without, 'has', 'have')} no class (column class of "
            "vehicles.csv) and "
            + ("are compared with each other." if without > 1 else "is compared with none that has one.")
        )
    alone = main.filter(pl.col("class") != "", pl.col("class_use").is_null()).height
    if alone:
        missing.append(f"{counted(alone, 'vehicle')} {by_number(alone, 'is', 'are')} alone in the class.")
    return missing
