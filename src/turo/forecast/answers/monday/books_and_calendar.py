"""Why Monday's books and the calendar of a later day are two numbers for the same window."""

from __future__ import annotations

import polars as pl

from turo.data.tables import ID_BOUND
from turo.forecast.answers.answer import Facts
from turo.table.names import EXPORT
from turo.words import counted

LEAST = 1.0  # days; less is rounding


def told(facts: Facts, horizon: int, books: float | None, calendar: float | None) -> str:
    """One sentence with both figures, and what may make the books too low; empty where they hardly differ.

    Args:
        books, calendar: days of the window from the origin on; None where not told in days.
    """
    if books is None or calendar is None or abs(calendar - books) < LEAST:
        return ""
    window = counted(horizon, "day")
    found = (
        f"On the books when {facts.origin:%d %b} began: {_days(books)} of the next {window}; the calendar "
        f"as of {facts.tables.snapshot:%d %b %H:%M} has {_days(calendar)} in the same window."
    )
    bound = facts.tables.reservations.select(pl.col("booked_at_source").eq_missing(ID_BOUND).any()).item()
    if not bound or calendar < books:
        return found
    mend = "an older export kept beside the new one, made before that Monday, proves them"
    if facts.tables.profile != EXPORT:
        mend = "true ones in booked_at mend that"
    return (
        f"{found} Some booking dates are only the latest possible ones, so Monday's books may be too low for "
        f"that reason, too: {mend}."
    )


def _days(number: float) -> str:
    return counted(f"{number:.1f}".removesuffix(".0"), "day")
