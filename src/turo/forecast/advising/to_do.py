"""The one concrete thing to do about a vehicle that has less than usual. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turo.forecast.advising.open_days import Gap
from turo.words import counted

QUARTER = 13  # weeks
DEAR, CHEAP = 1.10, 0.90  # of what the bookings of the others were at
LISTING = "Look at its listing (photos, delivery, minimum trip) before"


def to_do(row: Mapping[str, Any], gaps: Sequence[Gap], least_days: float | None, service: Gap | None) -> str:
    """A sentence.

    First what only the vehicle's own calendar shows (a gap that its minimum trip shuts), then its price and
    use beside the others of its class over the past 52 weeks. The price is named only where it is above
    theirs, fewer of its days were let, and it did not earn more for it. Days for service are those that the
    report proposes beside the gaps; where it proposes none, nothing is said of service.

    Args:
        row: a row of `shortfalls`.
        gaps: its open days in the window, in order of time.
        least_days: its minimum trip; None where it is not known.
        service: the days proposed for its service; None where no gap is known to suit.
    """
    shut = [gap for gap in gaps if least_days is not None and gap.shuts_out(least_days)]
    if shut:
        gap = max(shut, key=lambda one: one.days)
        return (
            f"Allow trips of {counted(gap.days, 'day')} {gap.told()}: that gap is shorter than the "
            f"minimum trip of {counted(f'{least_days:g}', 'day')}."
        )
    longest = max(gaps, key=lambda one: one.days, default=None)
    if longest is None:
        return "Nothing is open in the calendar as it is now: look at what blocks its days."
    if least_days is not None and least_days > 1 and not _dear(row):
        when = f"{longest.told('')} ({counted(longest.days, 'open day')})"
        return f"Open {when} to trips of 1 day: its minimum trip is {counted(f'{least_days:g}', 'day')}."
    first_week = next((gap for gap in gaps if gap.days >= 7), longest).first(7)
    return _by_price(row, first_week, service)


def _dear(row: Mapping[str, Any]) -> bool:
    if not _comparable(row) or row["earns_more"]:
        return False
    return bool(row["own_price"] > DEAR * row["others_price"] and row["use"] < row["others_use"])


def _comparable(row: Mapping[str, Any]) -> bool:
    return all(row[name] is not None for name in ("compared_with", "own_price", "others_price"))


def _by_price(row: Mapping[str, Any], first_week: Gap, service: Gap | None) -> str:
    """What its price says beside that of others; one without others is not compared."""
    when = f"{first_week.told('')} ({counted(first_week.days, 'open day')})"
    if not _comparable(row):
        return f"{LISTING} {when}: fewer bookings came than is usual for it."
    own, others, peers = row["own_price"], row["others_price"], row["compared_with"]
    if _dear(row):
        return (
            f"Review the price of {when}: over the past 52 weeks its bookings were at {own:,.0f} a day and "
            f"{100 * row['use']:.0f} % of its days were let, of {peers} {others:,.0f} and "
            f"{100 * row['others_use']:.0f} %."
        )
    told = f"its bookings of the past 52 weeks were at {own:,.0f} a day, those of {peers} at {others:,.0f}"
    if own < CHEAP * others and service is not None:
        return (
            f"Put its next service {service.told()}, in its open gap that is least likely to be booked; the "
            f"price is low already: {told}."
        )
    if row["earns_more"]:
        since = "" if row["earns_more_year"] else f" in the last {QUARTER} of these weeks"
        return (
            f"{LISTING} {when}, and leave the price: {told}, and it earned more for each day it was "
            f"offered{since}."
        )
    return f"{LISTING} {when}: fewer bookings came than is usual for it; {told}."
