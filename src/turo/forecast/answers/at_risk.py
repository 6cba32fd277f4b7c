"""At risk: what of the bookings on the books may be cancelled, and how right such a risk was in the past."""

from __future__ import annotations

from typing import Any

import polars as pl

from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.gap_history.kept_bookings import FEWEST, tenths, waiting
from turo.forecast.answers.gap_history.weekly_view import WeeklyView, booking_dates, fleet_names

MOST = 20  # rows on the page; the file has all


def answer(facts: Facts) -> Answer:
    """Bookings that have not begun by vehicle, the largest expected loss first.

    Columns: vehicle_id, vehicle, bookings, days, money, expected_cancellations, expected_days_lost,
    expected_money_lost. Each booking counts with the chance that it is cancelled before its start, from
    `features.known_trips.retention`. Money is null where no price is known; all expected_ columns are null
    where the file cannot tell how bookings end.
    """
    tables = facts.tables
    view = WeeklyView.of(tables, weeks=1)
    undated, all_rows = booking_dates(tables)
    told = view.scope.retention is not None and undated < all_rows
    table = waiting(view)
    risk = 1 - pl.col("kept") if told else pl.lit(None, pl.Float64)
    ids = pl.Series("vehicle_id", view.vehicles.ids).gather(table["vehicle"])
    rows = (
        table.with_columns(ids, risk.alias("risk"))
        .group_by("vehicle_id")
        .agg(
            pl.len().alias("bookings"),
            pl.col("days").sum(),
            pl.col("money").count().alias("priced"),
            pl.col("money").sum().alias("money"),
            _sum(pl.col("risk")).alias("expected_cancellations"),
            _sum(pl.col("risk") * pl.col("days")).alias("expected_days_lost"),
            _sum(pl.col("risk") * pl.col("money")).alias("expected_money_lost"),
        )
        .with_columns(pl.when(pl.col("priced") > 0).then("money").alias("money"))
        .join(fleet_names(facts.forecasts), "vehicle_id", how="left")
        .with_columns(pl.col("vehicle").fill_null(""))
        .sort(
            "expected_money_lost",
            "expected_days_lost",
            "days",
            "vehicle_id",
            descending=[True, True, True, False],
            nulls_last=True,
        )
    )
    unpriced = int(rows.select((pl.col("bookings") - pl.col("priced")).sum()).item())
    missing = _missing(view, undated, all_rows)
    if unpriced:
        missing.append(
            f"The price (trip_price) of {unpriced} of {rows['bookings'].sum()} bookings is not known: they "
            "count in the days, not in the money."
        )
    columns = ("expected_cancellations", "expected_days_lost", "expected_money_lost")
    rows = rows.select("vehicle_id", "vehicle", "bookings", "days", "money", *columns)
    return Answer("at_risk", rows, _view(rows), missing)


def _sum(values: pl.Expr) -> pl.Expr:
    """Their sum; null where none is known."""
    return pl.when(values.count() > 0).then(values.sum())


def _view(rows: pl.DataFrame) -> dict[str, Any]:
    def total(name: str) -> float | None:
        return float(rows[name].sum()) if rows[name].count() else None

    sums = {name: total(name) for name in rows.columns[2:]}
    return {"total": sums, "bookings": int(rows["bookings"].sum()), "most": rows.head(MOST).to_dicts()}


def _missing(view: WeeklyView, undated: int, all_rows: int) -> list[str]:
    if undated == all_rows:
        return [
            "Reservations have no booking dates here (booked_at), so it is not known how many bookings are "
            "cancelled in how long a time: no risk can be told."
        ]
    if view.scope.retention is None:
        return [
            "No reservation of these files is cancelled, so no risk can be told; bring cancelled trips too."
        ]
    if view.scope.survival is not None:
        return [
            "Some cancellations have no date (cancelled_at). Each is taken to be equally likely at any time "
            "before the trip's start."
        ]
    return []


def calibration(facts: Facts) -> Answer:
    """What was said of past bookings' risk, and what came: ten equal parts by risk.

    Columns: see `kept_bookings.tenths`. Each booking is looked at once in every week that it waited.
    """
    undated, all_rows = booking_dates(facts.tables)
    view = WeeklyView.of(facts.tables)
    table = waiting(view)
    judged = view.scope.retention is not None and undated < all_rows
    rows = tenths(table if judged else table.clear())
    missing = []
    if rows.is_empty():
        missing.append(
            "How right the risk of cancellation was can be told once the past year has "
            f"{FEWEST} bookings that were looked at while they waited."
        )
    elif view.scope.survival is not None:
        missing.append(
            "Where cancellations have no date, past books hold trips that had been cancelled by then, so "
            "these shares are higher than those of the bookings that wait now."
        )
    off = (rows["cancelled"] - rows["expected_cancelled"]).abs().max() if len(rows) else None
    told = {"tenths": rows.to_dicts(), "weeks": len(view.looks) - 1, "off": off}
    return Answer("at_risk_calibration", rows, told, missing)
