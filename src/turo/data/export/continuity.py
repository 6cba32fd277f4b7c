"""Whether an export continues an older one: reservations do not vanish, completed trips stay completed."""

from __future__ import annotations

import polars as pl

from turo.data.read_context import few

VANISHED = 0.20


def contradictions(older: pl.DataFrame, newer: pl.DataFrame) -> list[str]:
    """What speaks against `newer` being the later state of the same fleet, a clause each.

    Only trips in the date ranges of both are looked for: an export of one year lacks those of others.

    Args:
        older, newer: reservation_id, status, trip_end.
    """
    wrong = []
    both = older.filter(pl.col("trip_end").is_between(newer["trip_end"].min(), newer["trip_end"].max()))
    vanished = both.join(newer, on="reservation_id", how="anti")["reservation_id"]
    if vanished.len() > VANISHED * both.height:
        wrong.append(
            f"{vanished.len()} of {both.height} reservations of the older one are missing ({few(vanished)})"
        )
    pairs = older.join(newer, on="reservation_id", suffix="_new")
    completed, booked = pl.col("status") == "completed", pl.col("status_new") == "booked"
    undone = pairs.filter(completed & booked)["reservation_id"]
    if undone.len():
        wrong.append(f"{undone.len()} completed trips became booked ({few(undone)})")
    return wrong
