"""Which vehicles need something this week: at most seven, most money at stake first."""

from __future__ import annotations

import polars as pl

from turo.forecast.advising.calendar_days import in_calendar
from turo.forecast.advising.shortfall import LEAST_PEERS
from turo.forecast.advising.week_list import MOST
from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.listed_spans import has_classes
from turo.forecast.answers.past_year import OWN_DAYS
from turo.forecast.champions import Champion
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import MODEL
from turo.table.targets import BOOKED_DAYS, TARGET
from turo.words import by_number, counted

KEY = "advice"


def answer(facts: Facts) -> Answer:
    """Rows of `turo.forecast.advising.week_list`; none where nothing needs doing."""
    window = next(one for one in facts.windows if one.horizon_days == facts.main)
    view = {
        "horizon": facts.main,
        "most": MOST,
        "model": window.champion.name,
        "classes": has_classes(facts.tables.vehicles),
    }
    return Answer(KEY, facts.named, view, _missing(facts, window.champion))


def _missing(facts: Facts, champion: Champion) -> list[str]:
    target = champion.forecaster.target
    if target != BOOKED_DAYS:
        return [
            f"Advice is about booked days; this forecast is of {TARGET[target].noun}. "
            "TARGET=y_booked_days brings it."
        ]
    rows = facts.forecasts.filter(horizon_days=facts.main)
    found = []
    if rows["base_price_day"].null_count() == len(rows):
        found.append("No trip has a price in these files: vehicles are ranked by days; trip_price helps.")
    found += _little_known(facts, rows)
    if champion.method != MODEL:
        found.append("A baseline makes these numbers, which cannot say why; a trained model can.")
    return found


def _little_known(facts: Facts, rows: pl.DataFrame) -> list[str]:
    """Of vehicles with too short a past, and of those whose calendar the forecast does not know."""
    here = rows.filter(pl.col("flag").ne_missing(LOOKS_GONE), pl.col("available_days") > 0)
    if here.is_empty():
        return []
    found = []
    known = facts.past.join(here, "vehicle_id", how="semi")
    if young := known["own_use"].null_count():
        peers = "class" if has_classes(facts.tables.vehicles) else "fleet"
        found.append(
            f"{counted(young, 'vehicle')} {by_number(young, 'was', 'were')} offered on fewer than {OWN_DAYS} "
            f"days of the past 52 weeks: what is usual for {by_number(young, 'it', 'them')} is told by "
            f"others of the {peers}, at their price, if there are {LEAST_PEERS} or more."
        )
    calendar = in_calendar(facts.tables, here, facts.main)
    if unseen := calendar.filter(pl.col("unseen") > 0).height:
        found.append(
            f"{counted(unseen, 'vehicle')} {by_number(unseen, 'has', 'have')} trips in the calendar whose "
            "booking date is not known (booked_at). The forecast does not know of them: there is no advice "
            f"about {by_number(unseen, 'it', 'them')}."
        )
    return found
