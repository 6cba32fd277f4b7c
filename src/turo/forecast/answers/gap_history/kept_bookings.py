"""Bookings that have not begun, at each look: how likely each is kept, and whether it was."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.features.time import DAY
from turo.forecast.answers.gap_history.weekly_view import WeeklyView

BINS = 10
FEWEST = 200  # bookings, looked at once a week each; of fewer no tenth holds enough to be judged


def waiting(view: WeeklyView) -> pl.DataFrame:
    """vehicle (number), look, days, money (as booked, null where unknown), kept (chance), came.

    `came` is null until the start: whether the booking was still there then. Versions of a booking whose
    dates were changed before its start are left out at looks other than the last one, for they were neither
    kept nor cancelled.
    """
    row, look = view.on_books()
    some = view.trips.start[row] > view.looks[look]
    row, look = row[some], look[some]
    trips, at = view.trips.take(row), view.looks[look]
    kept = np.ones(len(row))
    if view.scope.survival is not None:
        kept = kept * view.scope.survival.alive(trips, look, at)
    if view.scope.retention is not None:
        kept = kept * view.scope.retention.kept(trips, look, at)
    over = trips.start <= view.scope.snapshot
    table = pl.DataFrame(
        {
            "vehicle": trips.vehicle,
            "look": look,
            "days": (trips.end - trips.start) / DAY,
            "money": trips.base,
            "kept": kept,
            "came": (trips.left > trips.start) & ~trips.undated,
            "over": over,
        }
    )
    moved = trips.revised & (trips.left <= trips.start)
    came = pl.when("over").then(pl.col("came")).alias("came")
    return (
        table.filter(~pl.Series(moved & over)).with_columns(pl.col("money").fill_nan(None), came).drop("over")
    )


def tenths(table: pl.DataFrame) -> pl.DataFrame:
    """tenth, bookings, from_risk, to_risk, expected_cancelled, cancelled (shares): what was said, what came.

    Of the bookings whose start is over, ordered by their risk and cut into ten equal parts; empty where
    there are fewer than `FEWEST`.
    """
    judged = table.filter(pl.col("came").is_not_null()).select(
        (1 - pl.col("kept")).alias("risk"), (~pl.col("came")).alias("lost")
    )
    if len(judged) < FEWEST:
        judged = judged.clear()
    place = pl.int_range(pl.len()) * BINS // pl.len() + 1
    cut = judged.sort("risk", maintain_order=True).with_columns(place.alias("tenth"))
    return (
        cut.group_by("tenth")
        .agg(
            pl.len().alias("bookings"),
            pl.col("risk").min().alias("from_risk"),
            pl.col("risk").max().alias("to_risk"),
            pl.col("risk").mean().alias("expected_cancelled"),
            pl.col("lost").mean().alias("cancelled"),
        )
        .sort("tenth")
    )
