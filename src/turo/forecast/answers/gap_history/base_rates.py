"""How often gaps like these were filled: the fleet's own past, counted with what was known at each look.

A gap counts as **filled** when bookings took so much of it that fewer days stayed open than the vehicle's
shortest trip needs (a day where the file does not say). Days that the owner blocked later count as if they
had never been open. Gaps are alike if their lengths, their leads (days from the look to their start) and
whether anything follows them fall into the same classes, and the shortest trip fits into both or neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.features.known_trips.intervals import without_overlap
from turo.features.time import DAY, NEVER, Floats, Ints
from turo.forecast.answers.gap_history.weekly_view import AHEAD, YEAR, WeeklyView

LENGTHS = (2, 3, 4, 5, 7, 10, 14, 21)  # upper ends in days
LEADS = (1, 4, 8, 15)
CELL = ("length_class", "lead_class", "open_end", "fits")
FEWEST = 20  # cases; of fewer no chance is told


@dataclass(frozen=True)
class Covered:
    """Disjoint pieces of time by vehicle, so that the time taken of any window is two look-ups."""

    key: Ints
    vehicle: Ints
    end: Ints
    before: Ints  # time of all pieces before each
    first: int
    span: int

    @classmethod
    def of(cls, vehicle: Ints, start: Ints, end: Ints) -> Covered:
        """Of intervals that may overlap."""
        order = np.lexsort((start, vehicle))
        vehicle, start, end = vehicle[order], start[order], end[order]
        piece = without_overlap(vehicle, start, end)
        some = piece < end
        vehicle, piece, end = vehicle[some], piece[some], end[some]
        first = int(piece.min()) if len(piece) else 0
        span = (int(end.max()) if len(end) else 1) - first + 1
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(end - piece)])
        return cls(vehicle * span + piece - first, vehicle, end, before, first, span)

    def days(self, vehicle: Ints, start: Ints, end: Ints) -> Floats:
        """Days of each window [start, end) that are taken."""
        if not len(self.key):
            return np.zeros(len(vehicle))
        return np.asarray((self._until(vehicle, end) - self._until(vehicle, start)) / DAY, np.float64)

    def _until(self, vehicle: Ints, at: Ints) -> Ints:
        moment = np.clip(at - self.first, -1, self.span - 1)  # within the vehicle's own range of keys
        place = np.searchsorted(self.key, vehicle * self.span + moment, side="left")
        last = np.maximum(place - 1, 0)
        mine = (place > 0) & (self.vehicle[last] == vehicle)
        return np.asarray(self.before[place] - np.where(mine, np.maximum(self.end[last] - at, 0), 0))


def outcomes(gaps: pl.DataFrame, view: WeeklyView, blocks: pl.DataFrame | None) -> pl.DataFrame:
    """The gaps of looks whose weeks are over, with filled, touched (any booking came) and empty (its share).

    Left out are those of vehicles that left meanwhile, and those that the owner took.
    """
    over = gaps.filter(pl.col("at") + AHEAD * DAY <= view.scope.snapshot)
    final = view.trips.take(view.trips.counted)
    booked = Covered.of(final.vehicle, final.start, final.end)
    taken = booked
    if blocks is not None and blocks.height:
        rows = blocks.filter(pl.col("vehicle_id").is_in(view.vehicles.ids.implode()))
        whose = view.vehicles.ids.search_sorted(rows["vehicle_id"]).to_numpy().astype(np.int64)
        start, end = (rows[name].dt.epoch("us").to_numpy() for name in ("start", "end"))
        taken = Covered.of(
            np.concatenate([final.vehicle, whose]),
            np.concatenate([final.start, start]),
            np.concatenate([final.end, end]),
        )
    window = tuple(over[name].to_numpy() for name in ("vehicle", "start", "end"))
    left = view.vehicles.listed_to[window[0]]
    came, gone = booked.days(*window), taken.days(*window)
    judged = over.with_columns(
        pl.Series("booked", came),
        pl.Series("open", over["days"].to_numpy() - (gone - came)),
        pl.Series("stays", (left == NEVER) | (left >= window[2])),
    )
    least, booked_days, was_open = pl.col("least_days"), pl.col("booked"), pl.col("open")
    enough = pl.when("fits").then(least).otherwise(1.0)  # of a gap too short anyhow, less than a day
    return judged.filter("stays", was_open >= 1).with_columns(
        ((booked_days > 0) & (was_open - booked_days < enough)).alias("filled"),
        (booked_days > 0).alias("touched"),
        ((was_open - booked_days) / was_open).clip(0, 1).alias("empty"),
    )


def with_cell(gaps: pl.DataFrame) -> pl.DataFrame:
    """The gaps with the columns of `CELL`."""
    return gaps.with_columns(
        _class("days", LENGTHS).alias("length_class"),
        _class("lead", LEADS).alias("lead_class"),
        (pl.col("before") == "open").alias("open_end"),
    )


def rates(past: pl.DataFrame, until: int) -> pl.DataFrame:
    """CELL, cases, chance, any_booking, empty_share, of the year of looks whose weeks were over at `until`.

    The last three are null where there are fewer than `FEWEST` cases.
    """
    newest = until - AHEAD * DAY
    year = past.filter(pl.col("at").is_between(newest - YEAR * 7 * DAY, newest, closed="right"))
    counted = (
        with_cell(year)
        .group_by(*CELL)
        .agg(
            pl.len().alias("cases"),
            pl.col("filled").mean().alias("chance"),
            pl.col("touched").mean().alias("any_booking"),
            pl.col("empty").mean().alias("empty_share"),
        )
    )
    told = pl.col("cases") >= FEWEST
    hidden = (
        pl.when(told).then(pl.col(name)).alias(name) for name in ("chance", "any_booking", "empty_share")
    )
    return counted.with_columns(hidden)


def likely(gaps: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The gaps with what `rates` tells of their like, in the same order; no case at all counts 0."""
    joined = with_cell(gaps).join(known, CELL, how="left", maintain_order="left")
    return joined.with_columns(pl.col("cases").fill_null(0))


def _class(column: str, ends: Sequence[int]) -> pl.Expr:
    inside = [(pl.col(column) >= end).cast(pl.Int8) for end in ends]
    return pl.sum_horizontal(inside)
