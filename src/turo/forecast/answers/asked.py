"""Vehicles that look sold or at rest: asked about, not advised on."""

from __future__ import annotations

from turo.forecast.advising.week_list import GONE, to_ask_about
from turo.forecast.answers.answer import Answer, Facts

KEY = "asked"


def answer(facts: Facts) -> Answer:
    """Columns of `turo.forecast.advising.week_list.ASKED`."""
    rows = to_ask_about(facts.forecasts, facts.tables, facts.main)
    gone = rows.filter(kind=GONE)
    lines = [
        f"{vehicle},{last or facts.origin}" for vehicle, last in gone.select("vehicle_id", "last_trip").rows()
    ]
    return Answer(KEY, rows, {"listed_to": lines})
