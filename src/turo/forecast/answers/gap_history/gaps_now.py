"""The open gaps of a fleet as it stands now: one table, from which report, advice and vehicle pages tell."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from turo.data.tables import Tables
from turo.forecast.answers.gap_history.base_rates import likely, outcomes, rates
from turo.forecast.answers.gap_history.open_gaps import gaps
from turo.forecast.answers.gap_history.service_slots import with_service_slots
from turo.forecast.answers.gap_history.weekly_view import WeeklyView, booking_dates, fleet_names
from turo.forecast.flags import LOOKS_GONE

COLUMNS = (
    *("vehicle_id", "vehicle", "start", "end", "days", "after", "before", "min_trip_days", "fits"),
    *("chance", "any_booking", "cases", "stranded_days"),
    *("service_slot", "slot_start", "slot_end"),
)


@dataclass(frozen=True)
class GapsNow:
    """Every open gap of a day or more of the `AHEAD` days after the snapshot.

    Attributes:
        rows: COLUMNS, by vehicle and start. `chance` is the share of gaps like it that bookings filled in the
            past year (see `base_rates`), `any_booking` the share that got any booking, `stranded_days` what
            is expected to stay empty; all null where fewer than `FEWEST` cases were counted. `service_slot`
            marks the gap of each vehicle with its days for service, `slot_start` to `slot_end` (see
            `service_slots`).
        weeks: how many past weeks were counted.
        undated, reservations: how many have no booking date, and how many there are.
        guessed: some cancellations have no date.
        stated: the file says how short a trip may be.
    """

    rows: pl.DataFrame
    weeks: int
    undated: int
    reservations: int
    guessed: bool
    stated: bool

    @classmethod
    def of(cls, tables: Tables, forecasts: pl.DataFrame) -> GapsNow:
        """Of the vehicles that are forecast and do not look gone."""
        view = WeeklyView.of(tables)
        table = gaps(view, tables.blocks)
        undated, reservations = booking_dates(tables)
        past = outcomes(table, view, tables.blocks)
        if undated == reservations:
            past = past.clear()  # every gap of the past would look open, whenever it was booked
        now = table.filter(pl.col("look") == len(view.looks) - 1)
        known = likely(now, rates(past, view.scope.snapshot))
        stated = "min_trip_days" in tables.vehicles.columns and tables.vehicles["min_trip_days"].count() > 0
        here = forecasts.filter(~pl.col("flag").eq_missing(LOOKS_GONE))
        ids = pl.Series("vehicle_id", view.vehicles.ids).gather(known["vehicle"])
        rows = (
            known.drop("vehicle")
            .with_columns(ids)
            .join(fleet_names(here), "vehicle_id", how="inner", maintain_order="left")
            .with_columns(
                pl.from_epoch("start", "us"),
                pl.from_epoch("end", "us"),
                pl.col("after").fill_null("snapshot"),
                (pl.col("least_days") if stated else pl.lit(None, pl.Float64)).alias("min_trip_days"),
                (pl.col("days") * pl.col("empty_share")).alias("stranded_days"),
            )
        )
        told = with_service_slots(rows, tables.snapshot).select(COLUMNS).sort("vehicle_id", "start")
        guessed = view.scope.survival is not None
        return cls(told, past["look"].n_unique(), undated, reservations, guessed, stated)
