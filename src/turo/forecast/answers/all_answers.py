"""The answers in the order in which the report tells them."""

from __future__ import annotations

from collections.abc import Callable

from turo.forecast.answers import at_risk, gaps, league, pace
from turo.forecast.answers.answer import Answer, Facts

ANSWERS: tuple[Callable[[Facts], Answer], ...] = (
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
