"""One number for the fleet: what the next days bring, its range, and what it was worth before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from turo.forecast.advising.calendar_days import in_calendar
from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.monday import books_and_calendar, worth
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import FLEET
from turo.table.targets import BOOKED_DAYS, TARGET
from turo.words import counted

KEY = "fleet_number"
TYPES: dict[str, type[pl.DataType]] = {
    "horizon_days": pl.Int64,
    "days": pl.Float64,  # null where the target is not booked days
    "days_low": pl.Float64,  # 8 of 10 cases end between low and high; null without draws
    "days_high": pl.Float64,
    "money": pl.Float64,  # derived; null where no price is known
    "money_low": pl.Float64,
    "money_high": pl.Float64,
    "track_record": pl.String,  # a sentence
    "on_books": pl.Float64,
    "available_days": pl.Float64,
    "last_year": pl.Float64,  # of the vehicles that have one
    "vehicles": pl.Int64,
    "money_vehicles": pl.Int64,  # over how many the money is summed
    "mondays": pl.Int64,  # that the sentence is about
    "missed": pl.Float64,  # days, on average of them
    "inside": pl.Int64,  # of `ranged` of them that ended within the range
    "ranged": pl.Int64,
    "calendar_days": pl.Float64,  # of the same window, as the file has it now; null where not booked days
    "books": pl.String,  # a sentence where the two differ by a day or more
}


def answer(facts: Facts) -> Answer:
    """A row a horizon; `view.cards` is the same with what a page shows beside it."""
    target = facts.forecasts["target"][0]
    record, problem = worth.read_record(facts.folder) if target == BOOKED_DAYS else (pl.DataFrame(), "")
    here = facts.forecasts.filter(pl.col("flag").ne_missing(LOOKS_GONE))
    rows, cards = [], []
    for total in facts.totals.filter(level=FLEET).sort("horizon_days").iter_rows(named=True):
        horizon = total["horizon_days"]
        past = worth.of_record(record, horizon) if len(record) else None
        past = past or worth.of_kept(facts.live.mondays, horizon, target)
        mine = here.filter(horizon_days=horizon)
        card = _card(mine, total, TARGET[target].noun)
        now = in_calendar(facts.tables, mine, horizon)["calendar"].sum() if len(mine) else 0.0
        card["calendar_days"] = now if target == BOOKED_DAYS else None
        card["books"] = books_and_calendar.told(facts, horizon, total["on_books"], card["calendar_days"])
        card["track_record"] = past.told() if past else worth.NOTHING
        rows.append({**_row(total, target, card), **(_of_worth(past) if past else {})})
        cards.append(card)
    view = {
        "cards": cards,
        "origin": facts.origin,
        "snapshot": facts.tables.snapshot,
        "books": next((card["books"] for card in cards if card["books"]), ""),
    }
    found = [problem] if problem else []
    return Answer(KEY, pl.DataFrame(rows, schema=TYPES), view, [*found, *_missing(facts, target)])


def _row(total: Mapping[str, Any], target: str, card: Mapping[str, Any]) -> dict[str, Any]:
    days = target == BOOKED_DAYS
    return {
        **dict.fromkeys(TYPES),
        "horizon_days": total["horizon_days"],
        "days": total["mean"] if days else None,
        "days_low": total["q10"] if days else None,
        "days_high": total["q90"] if days else None,
        "money": total["revenue_mean"],
        "money_low": total["revenue_q10"],
        "money_high": total["revenue_q90"],
        "track_record": card["track_record"],
        "on_books": total["on_books"],
        "available_days": total["available_days"],
        "last_year": card["last_year"],
        "vehicles": total["vehicles"],
        "money_vehicles": total["revenue_vehicles"],
        "calendar_days": card["calendar_days"],
        "books": card["books"] or None,
    }


def _of_worth(past: worth.Worth) -> dict[str, Any]:
    return {"mondays": past.mondays, "missed": past.off, "inside": past.inside, "ranged": past.ranged}


def _card(rows: pl.DataFrame, total: dict[str, Any], unit: str) -> dict[str, Any]:
    """Totals of the fleet for one horizon; last year is compared over the vehicles that have one."""
    both = rows.filter(pl.col("last_year").is_not_null())
    books, mean, available = (total[name] for name in ("on_books", "mean", "available_days"))
    booked_days = unit == TARGET[BOOKED_DAYS].noun
    return {
        "horizon": total["horizon_days"],
        "total": total,
        "unit": unit,
        "utilization": mean / available if booked_days and available else None,
        "booked_share": books / available if booked_days and available else None,
        "last_year": both["last_year"].sum() if len(both) else None,
        "change": both["change"].sum() if len(both) else None,
        "compared": len(both),
    }


def _missing(facts: Facts, target: str) -> list[str]:
    found = []
    here = facts.forecasts.filter(pl.col("flag").ne_missing(LOOKS_GONE), pl.col("horizon_days") == facts.main)
    unseen = in_calendar(facts.tables, here, facts.main)["unseen"].sum() if len(here) else 0.0
    if unseen >= 1:
        found.append(
            f"{unseen:.0f} days of trips in the next {counted(facts.main, 'day')} have no booking date. No "
            "forecast knows of them and “booked so far” leaves them out: take both for too low. A column "
            "booked_at mends that."
        )
    if target != BOOKED_DAYS:
        found.append(f"This forecast is of {TARGET[target].noun}, not of days.")
    if facts.forecasts["base_price_day"].null_count() == len(facts.forecasts):
        found.append("No trip has a price in these files, so there is no money; trip_price brings it.")
    return found
