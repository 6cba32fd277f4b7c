"""The answers in the order in which the report tells them."""

from __future__ import annotations

from collections.abc import Callable

from turo.forecast.answers import advice, asked, fleet_number, since_last_monday
from turo.forecast.answers.answer import Answer, Facts

ANSWERS: tuple[Callable[[Facts], Answer], ...] = (
    fleet_number.answer,
    advice.answer,
    asked.answer,
    since_last_monday.answer,
)


def all_answers(facts: Facts) -> list[Answer]:
    """Every answer."""
    return [answer(facts) for answer in ANSWERS]
