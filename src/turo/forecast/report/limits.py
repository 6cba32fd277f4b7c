"""What a reader must know before trusting the numbers: marks of the models, limits of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from turo.data.tables import EXACT, ID_BOUND, SEEN, UNDATED
from turo.forecast.champions import Champion
from turo.forecast.forecast_columns import MODEL
from turo.table.names import EXPORT
from turo.words import by_number, counted, listed

SOURCES = {
    EXACT: "Booking dates come from the file.",
    SEEN: "Booking dates come from comparing successive exports: a booking counts from the first "
    "export that has it.",
    ID_BOUND: "The export has no booking dates. They are bounded by the order of the Reservation IDs, so a "
    "recent booking may be counted a few days late, never early. Revenue on the books is unknown then.",
    UNDATED: "There are no booking dates at all: a trip counts as known from its start, so nothing is on the "
    "books.",
}
ONE_SNAPSHOT = (
    "One export shows trips as they are now: dates that a guest changed after booking are not visible as "
    "first booked."
)


def notices(champions: Sequence[Champion], manifest: Mapping[str, Any]) -> list[str]:
    """Warnings, most urgent first."""
    below = [
        f"{champion.name} version {champion.version} ({counted(champion.horizon_days, 'day')})"
        for champion in champions
        if champion.below_baseline and champion.method == MODEL
    ]
    they = by_number(len(below), "it", "they")
    found = [
        f"{listed(below)} did not beat the best baseline: on past weeks that {they} had not seen, a simple "
        "rule was closer. Trust what is booked more than what is expected on top. “Which models, and how "
        "good” below names the rule."
    ]
    return (found if below else []) + [f"Data: {warning}" for warning in manifest.get("warnings", [])]


def limits(forecasts: pl.DataFrame, manifest: Mapping[str, Any]) -> list[str]:
    """What the source of the data cannot tell."""
    sources = forecasts["booked_at_source"].unique().sort().to_list()
    texts = [SOURCES[part] for source in sources for part in source.split("+") if part in SOURCES]
    if manifest.get("profile") == EXPORT:
        texts.append(ONE_SNAPSHOT)
    texts += [
        "A vehicle that is fully booked cannot show how many more guests would have come. "
        "All numbers are bookings, past and expected.",
        "“Expected” is a mean, which may be added up: totals, utilization and the change on last year come "
        "from it. “Typical” is the median of one vehicle, as often too high as too low: medians do not "
        "add up.",
        "The interval holds for one vehicle at a time: about 8 of 10 actual values lie inside. "
        "Lows and highs must not be added up: the range of a total, where there is one, is from "
        "draws of all its vehicles together. It is narrower than the sum of the vehicles' intervals, because "
        "they are not all low or all high at once.",
        "Derived numbers (reservations, revenue) are arithmetic on expected days: what is on the books plus "
        "what new bookings put into such windows in the past, at the vehicle's own trip length and base "
        "price per day, before fees and extras. No model of their own stands behind them.",
    ]
    return texts
