"""Gaps: the open days of the next weeks, how likely each fills, where service fits; tight turn-arounds."""

from __future__ import annotations

from typing import Any

import polars as pl

from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.gap_history.base_rates import FEWEST
from turo.forecast.answers.gap_history.service_slots import SERVICE_DAYS
from turo.forecast.answers.gap_history.turn_arounds import tight_turn_arounds
from turo.forecast.answers.gap_history.weekly_view import AHEAD, WeeklyView, fleet_names
from turo.words import by_number, counted

MOST = 20  # rows on the page; the file has all
TURNAROUND_HOURS = 4.0  # to take a vehicle back, clean it, charge or refuel it, and hand it over


def answer(facts: Facts) -> Answer:
    """The rows of `GapsNow`."""
    found = facts.gaps
    return Answer("gaps", found.rows, _view(found.rows, found.weeks), _missing(facts))


def _view(rows: pl.DataFrame, weeks: int) -> dict[str, Any]:
    known = rows.filter(pl.col("stranded_days").is_not_null())
    whole = (pl.col("after") == "snapshot") & (pl.col("before") == "open")  # nothing on the books at all
    bounded = rows.filter(pl.col("before") != "open")
    longest = bounded.sort("stranded_days", "days", descending=True, nulls_last=True).head(MOST)
    slots = rows.filter(pl.col("service_slot") & ~whole).sort("slot_start", "vehicle_id")
    return {
        "ahead": AHEAD,
        "fewest": FEWEST,
        "weeks": weeks,
        "vehicles": rows["vehicle_id"].n_unique(),
        "days": float(rows["days"].sum()),
        "stranded": float(known["stranded_days"].sum()) if len(known) else None,
        "stranded_of": float(known["days"].sum()),
        "whole": rows.filter(whole).height,
        "open_end": rows.filter((pl.col("before") == "open") & ~whole).height,
        "most": MOST,
        "bounded": bounded.height,
        "longest": longest.to_dicts(),
        "service_days": SERVICE_DAYS,
        "slot_count": slots.height,
        "slots": slots.head(MOST).to_dicts(),
    }


def _missing(facts: Facts) -> list[str]:
    found, undated, all_rows = [], facts.gaps.undated, facts.gaps.reservations
    if undated == all_rows:
        found.append(
            "Reservations have no booking dates here (booked_at), so what was open in past weeks is not "
            "known and no chance can be told."
        )
    elif undated:
        found.append(
            f"{undated} of {counted(all_rows, 'reservation')} {by_number(undated, 'has', 'have')} no booking "
            "date (booked_at): in past weeks their days look open until the trip begins."
        )
    if facts.gaps.guessed:
        found.append(
            "Some cancellations have no date (cancelled_at): in past weeks their days look taken until "
            "another booking shows that they were not, so not every gap that one opened is counted."
        )
    if not facts.gaps.stated:
        found.append("The shortest trip of a vehicle (min_trip_days) is not in vehicles.csv: a day is taken.")
    if facts.tables.blocks is None:
        found.append("There is no blocks.csv: days you keep a vehicle for yourself look open.")
    return found


def turnarounds(facts: Facts) -> Answer:
    """Turn-arounds of the next `AHEAD` days with less than `TURNAROUND_HOURS` between return and next pickup.

    Columns: vehicle_id, vehicle, returned, next_pickup, hours; the tightest first. Bookings that overlap have
    `hours` below 0.
    """
    view = WeeklyView.of(facts.tables, weeks=1)
    table = tight_turn_arounds(view, TURNAROUND_HOURS)
    ids = pl.Series("vehicle_id", view.vehicles.ids).gather(table["vehicle"])
    rows = (
        table.drop("vehicle")
        .with_columns(ids, pl.from_epoch("returned", "us"), pl.from_epoch("next_pickup", "us"))
        .join(fleet_names(facts.forecasts), "vehicle_id", how="inner", maintain_order="left")
        .select("vehicle_id", "vehicle", "returned", "next_pickup", "hours")
        .sort("hours", "returned", "vehicle_id")
    )
    told = {
        "hours": TURNAROUND_HOURS,
        "ahead": AHEAD,
        "most": MOST,
        "double": rows.filter(pl.col("hours") < 0).height,
        "tightest": rows.head(MOST).to_dicts(),
    }
    return Answer("turnarounds", rows, told)
