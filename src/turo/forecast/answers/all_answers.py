"""The answers in the order in which the report tells them."""

from __future__ import annotations

from collections.abc import Callable

from turo.forecast.answers import at_risk, gaps
from turo.forecast.answers.answer import Answer, Facts

ANSWERS: tuple[Callable[[Facts], Answer], ...] = (
    gaps.answer,
    gaps.turnarounds,
    at_risk.answer,
    at_risk.calibration,
)


def all_answers(facts: Facts) -> list[Answer]:
    """Every answer."""
    return [answer(facts) for answer in ANSWERS]
