"""The answers in the order in which the report tells them."""

from __future__ import annotations

from collections.abc import Callable

from turo.forecast.answers import league, pace
from turo.forecast.answers.answer import Answer, Facts

ANSWERS: tuple[Callable[[Facts], Answer], ...] = (pace.answer, league.answer)


def all_answers(facts: Facts) -> list[Answer]:
    """Every answer."""
    return [answer(facts) for answer in ANSWERS]
