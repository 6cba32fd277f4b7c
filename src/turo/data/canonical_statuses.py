"""What the status of a reservation may be called, and how an unknown one is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from turo.data.csv.rows import LINE
from turo.errors import InputError

GUEST, HOST = "guest_cancellation", "host_cancellation"
CANCELLED = (GUEST, HOST)
STATUSES = ("completed", "booked", "in_progress", *CANCELLED)

# Spellings that can mean only one thing, in lower case with single blanks; accepted with a warning.
SPELLINGS = {
    "in progress": "in_progress",
    "in_progress": "in_progress",
    "complete": "completed",
    "guest_cancellation": GUEST,
    "host_cancellation": HOST,
    "cancelled": GUEST,
    "canceled": GUEST,
    "cancelled by guest": GUEST,
    "canceled by guest": GUEST,
    "guest cancelled": GUEST,
    "guest canceled": GUEST,
    "cancelled by host": HOST,
    "canceled by host": HOST,
    "host cancelled": HOST,
    "host canceled": HOST,
}
SPELLED = "have a status in another spelling (such as Cancelled, taken as cancelled by the guest)"
WORDS = re.compile(r"([^\W\d_]+([ _-][^\W\d_]+)*)?")
LONGEST = 30  # characters of a status that is shown
LISTED = 8


def cancelled() -> pl.Expr:
    """Whether the reservation of a row was cancelled, by whomever; null where there is no status."""
    return pl.col("status").is_in(CANCELLED)


def refuse_unknown(file: str, column: str, rows: pl.DataFrame, known: Iterable[str]) -> None:
    """Raise if there are rows: `column` as the file calls it, `LINE`, in order of the file.

    Of a cell that holds anything but a few words nothing is shown: a row that slipped by a column may hold a
    plate or an address there.

    Raises:
        InputError: naming file, first line, and values with their counts.
    """
    if not rows.height:
        return
    counts = rows[column].value_counts(sort=True, name="count").rows()
    listed = ", ".join(f"{_shown(value)} ({count})" for value, count in counts[:LISTED])
    raise InputError(
        f"{file}: unknown {column} {listed}, first in line {rows[LINE].item(0)}.",
        f"Correct or remove those rows; known are {', '.join(known)}.",
    )


def _shown(value: str) -> str:
    return repr(value) if len(value) <= LONGEST and WORDS.fullmatch(value) else "other than words"
