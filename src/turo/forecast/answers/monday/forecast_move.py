"""How far the fleet's forecast moved in a week, and which part of it came from what; the parts add up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from turo.forecast.answers.answer import Facts
from turo.forecast.answers.monday.then_and_now import LAST, Fleet, as_it_looks, usual_week
from turo.forecast.live.error_split import LEAST_PAST, Split, filled, split, usual
from turo.forecast.live.fleet_books import FleetBooks
from turo.forecast.live.mondays import LOOK_BACK
from turo.words import counted


@dataclass(frozen=True)
class Move:
    """Days of last Monday's window, of the vehicles that were forecast then and now.

    Attributes:
        vehicles: how many.
        then, now: as forecast last Monday, and as it looks.
        parts: of now - then; None where the file cannot tell.
        not_split: why not.
    """

    vehicles: int
    then: float
    now: float
    parts: Split | None
    not_split: str = ""

    @property
    def moved(self) -> float:
        """Above 0: more is expected of these days now."""
        return self.now - self.then


def fleet_move(facts: Facts, books: Fleet, past: FleetBooks, rows: pl.DataFrame) -> Move | None:
    """The move of all vehicles of `rows` that have both numbers; None where none has.

    Volume, lead time and cancellation are those of `turo.forecast.live.error_split`, with what is expected
    now in the place of what came true: of the books of last Monday some are cancelled, and of those that
    are still there the usual share will be.
    """
    both = rows.drop_nulls(["expected_then", "expected_now"])
    if both.is_empty():
        return None
    then, now = float(both["expected_then"].sum()), float(both["expected_now"].sum())
    last, horizon = facts.origin - LAST, facts.main
    newest = last - timedelta(weeks=-(-horizon // 7))
    known = [past.computed(newest - timedelta(weeks=back), horizon) for back in range(LOOK_BACK)]
    windows = [one for one in known if one is not None]
    share = usual(windows)
    if share is None:
        reason = (
            f"Why it moved is not told: what is usual is known from "
            f"{counted(len(filled(windows)), 'earlier window')}, {LEAST_PAST} are needed, with dates of "
            "bookings and cancellations."
        )
        return Move(len(both), then, now, None, reason)
    ids = both["vehicle_id"].to_list()
    on_books, still = books.over_a_week(last, horizon, ids)
    lost_week = usual_week(books, last, horizon, min(len(windows), LOOK_BACK), past.vehicles) or 0.0
    seen = as_it_looks(on_books, still, now, share.lost, lost_week)
    return Move(len(both), then, now, split(then, seen, share))
