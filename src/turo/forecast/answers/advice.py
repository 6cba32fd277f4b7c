"""Which vehicles need something this week: at most seven, most money at stake first."""

from __future__ import annotations

from turo.forecast.advising.week_list import MOST, to_act_on
from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.champions import Champion
from turo.forecast.forecast_columns import MODEL
from turo.table.targets import BOOKED_DAYS, TARGET
from turo.words import by_number, counted

KEY = "advice"


def answer(facts: Facts) -> Answer:
    """Rows of `turo.forecast.advising.week_list`; none where nothing needs doing."""
    window = next(one for one in facts.windows if one.horizon_days == facts.main)
    rows = to_act_on(facts.forecasts, facts.tables, window)
    view = {"horizon": facts.main, "most": MOST, "model": window.champion.name}
    return Answer(KEY, rows, view, _missing(facts, window.champion))


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
    if unknown := rows["last_year"].null_count():
        found.append(
            f"{counted(unknown, 'vehicle')} {by_number(unknown, 'has', 'have')} no same weeks last year in "
            f"the file: the class alone says what is usual for {by_number(unknown, 'it', 'them')}."
        )
    if champion.method != MODEL:
        found.append("A baseline makes these numbers, which cannot say why; a trained model can.")
    return found
