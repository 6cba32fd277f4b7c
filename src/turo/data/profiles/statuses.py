"""What the status of a reservation may be called, and how an unknown one is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from turo.data.csv.rows import LINE
from turo.errors import InputError

# Spellings that can mean only one thing, in lower case with single blanks; accepted with a warning.
SPELLINGS = {
    "in progress": "in_progress",
    "in_progress": "in_progress",
    "complete": "completed",
    "guest_cancellation": "guest_cancellation",
    "host_cancellation": "host_cancellation",
    "cancelled": "guest_cancellation",
    "canceled": "guest_cancellation",
    "cancelled by guest": "guest_cancellation",
    "canceled by guest": "guest_cancellation",
    "guest cancelled": "guest_cancellation",
    "guest canceled": "guest_cancellation",
    "cancelled by host": "host_cancellation",
    "canceled by host": "host_cancellation",
    "host cancelled": "host_cancellation",
    "host canceled": "host_cancellation",
}
SPELLED = "have a status in another spelling (such as Cancelled, taken as cancelled by the guest)"
WORDS = re.compile(r"([^\W\d_]+([ _-][^\W\d_]+)*)?")
LONGEST = 30  # characters of a status that is shown
LISTED = 8


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
