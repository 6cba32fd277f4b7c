"""The answers in the order in which the report tells them."""

from __future__ import annotations

from collections.abc import Callable

from turo.forecast.answers import (
    advice,
    asked,
    at_risk,
    fleet_number,
    gaps,
    league,
    pace,
    since_last_monday,
)
from turo.forecast.answers.answer import Answer, Facts

ANSWERS: tuple[Callable[[Facts], Answer], ...] = (
    fleet_number.answer,
    advice.answer,
    asked.answer,
    since_last_monday.answer,
    pace.answer,
    gaps.answer,
    gaps.turnarounds,
    league.answer,
    at_risk.answer,
    at_risk.calibration,
)


def all_answers(facts: Facts) -> list[Answer]:
    """Every answer."""
    return [answer(facts) for answer in ANSWERS]
