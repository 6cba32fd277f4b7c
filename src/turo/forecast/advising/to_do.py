"""The one concrete thing to do about a vehicle that has less than usual. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turo.forecast.advising.open_days import Gap
from turo.words import counted

DEAR, CHEAP = 1.10, 0.90  # of what the class's bookings were at
SERVICE_DAYS = 2  # that a workshop needs, with the ways there


def to_do(row: Mapping[str, Any], gaps: Sequence[Gap], least_days: float | None) -> str:
    """A sentence.

    First what only the vehicle's own calendar shows (a gap that its minimum trip shuts), then its price
    beside the class, then its longest gap.

    Args:
        row: a row of `shortfalls`.
        gaps: its open days in the window.
        least_days: its minimum trip; None where it is not known.
    """
    shut = [gap for gap in gaps if gap.closed and least_days is not None and gap.days < least_days]
    if shut:
        gap = max(shut, key=lambda one: one.days)
        return (
            f"Allow trips of {counted(gap.days, 'day')} from {gap.told()}: that gap is shorter than the "
            f"minimum trip of {counted(f'{least_days:g}', 'day')}."
        )
    longest = max(gaps, key=lambda one: one.days, default=None)
    if longest is None:
        return "Nothing is open in the calendar as it is now: look at what blocks its days."
    when = f"{longest.told()} ({counted(longest.days, 'open day')})"
    if least_days is not None and least_days > 1 and not _dear(row):
        return f"Open {when} to trips of 1 day: its minimum trip is {counted(f'{least_days:g}', 'day')}."
    return _by_price(row, when, longest.days)


def _dear(row: Mapping[str, Any]) -> bool:
    own, others = row["base_price_day"], row["class_price"]
    return own is not None and others is not None and own > DEAR * others


def _by_price(row: Mapping[str, Any], when: str, open_days: int) -> str:
    """What its price a day says beside that of others; `when` is its longest gap, of so many days."""
    own, others, peers = row["base_price_day"], row["class_price"], row["compared_with"]
    if own is None or others is None:
        return f"Review the price of {when}: nothing is booked then."
    if _dear(row):
        return (
            f"Review the price of {when}: its bookings were at {own:,.0f} a day, those of {peers} at "
            f"{others:,.0f}."
        )
    if own < CHEAP * others and open_days >= SERVICE_DAYS:
        return (
            f"Put its next service into {when}: its bookings were at {own:,.0f} a day, already below those "
            f"of {peers} ({others:,.0f})."
        )
    return (
        f"Review its listing before {when}: fewer bookings came than usual, at {own:,.0f} a day, about what "
        f"those of {peers} were at ({others:,.0f})."
    )
