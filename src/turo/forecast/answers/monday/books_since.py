"""Bookings and cancellations between two Mondays, by vehicle, and what the file cannot tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import UNDATED, Tables
from turo.features.known_trips.trips import EXPORTED
from turo.forecast.answers.answer import UNDATED_SHARE
from turo.words import by_number, counted

COUNTS = ("new_bookings", "cancellations")
SUMS = ("days_won", "days_lost", "money_won", "money_lost")


@dataclass(frozen=True)
class Since:
    """What happened after `begin` and by `end`, or ever since where there is no end.

    Attributes:
        by_vehicle: vehicle_id, COUNTS, SUMS of vehicles of which something is known; money is null where the
            price of one of its trips is not known.
        booked, cancelled: whether the file can tell bookings and cancellations at all.
        missing: sentences.
    """

    by_vehicle: pl.DataFrame
    booked: bool
    cancelled: bool
    missing: list[str]


def books_since(source: Tables, begin: date | datetime, end: date | datetime | None = None) -> Since:
    """Whole trips, by their dates as they are now; one that was booked and cancelled since counts in both."""
    rows = source.reservations.with_columns(
        ((pl.col("trip_end") - pl.col("trip_start")).dt.total_seconds() / 86_400).alias("days"),
        _price().alias("money"),
    )
    first, last = _moment(begin), datetime.max if end is None else _moment(end)
    dated = rows.filter(pl.col("booked_at").is_not_null(), pl.col("booked_at_source") != UNDATED)
    left = rows.filter(cancelled(), pl.col("cancelled_at").is_not_null())
    new = _summed(dated, "booked_at", first, last, ("new_bookings", "days_won", "money_won"))
    lost = _summed(left, "cancelled_at", first, last, ("cancellations", "days_lost", "money_lost"))
    joined = new.join(lost, "vehicle_id", how="full", coalesce=True)
    counts = joined.with_columns(
        pl.col("new_bookings", "cancellations").fill_null(0),
        pl.col("days_won", "days_lost").fill_null(0.0),
        pl.when(pl.col("new_bookings").is_null()).then(0.0).otherwise("money_won").alias("money_won"),
        pl.when(pl.col("cancellations").is_null()).then(0.0).otherwise("money_lost").alias("money_lost"),
    )
    gone = len(rows.filter(cancelled()))
    booked, known = len(dated) > 0, gone - len(left) <= UNDATED_SHARE * gone
    missing = [*_about_bookings(rows, dated), *_about_cancellations(rows, left), *_about_money(rows)]
    return Since(counts, booked, known, missing)


def _moment(day: date | datetime) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time())


def _price() -> pl.Expr:
    """Price as booked; 0 on a cancelled trip means that it is not known."""
    price = pl.when(cancelled() & (pl.col("trip_price") == 0)).then(None).otherwise("trip_price")
    return price + pl.col("discounts").fill_null(0.0)


def _summed(
    rows: pl.DataFrame, moment: str, first: datetime, last: datetime, names: tuple[str, str, str]
) -> pl.DataFrame:
    """By vehicle: how many, days, money (null where one is unknown) of what happened in (first, last]."""
    count, days, money = names
    here = rows.filter((pl.col(moment) > first) & (pl.col(moment) <= last))
    known = pl.when(pl.col("money").null_count() == 0).then(pl.col("money").sum())
    return here.group_by("vehicle_id").agg(
        pl.len().cast(pl.Int64).alias(count), pl.col("days").sum().alias(days), known.alias(money)
    )


def _about_bookings(rows: pl.DataFrame, dated: pl.DataFrame) -> list[str]:
    if dated.is_empty():
        return ["No booking has a date in these files, so new ones are not known; booked_at would tell them."]
    found = []
    if undated := len(rows) - len(dated):
        has = by_number(undated, "has", "have")
        found.append(
            f"{counted(undated, 'trip')} {has} no booking date and {has} no place among the new ones."
        )
    if dated["booked_at_source"].is_in(EXPORTED).any():
        found.append(
            "The export has no booking dates: a booking counts from the first export that has it, or from "
            "what the order of the Reservation IDs bounds, which may be some days late."
        )
    return found


def _about_cancellations(rows: pl.DataFrame, left: pl.DataFrame) -> list[str]:
    gone = rows.filter(cancelled())
    undated = len(gone) - len(left)
    if not undated:
        return []
    are = by_number(undated, "is", "are")
    some = (
        "how many a week had is not known" if undated > UNDATED_SHARE * len(gone) else "some may be missing"
    )
    help_ = "An export of every week beside the new one" if _exported(rows) else "cancelled_at"
    return [
        f"Of {counted(len(gone), 'cancelled trip')} {undated} {are} without a date, so {some}. "
        f"{help_} would tell."
    ]


def _about_money(rows: pl.DataFrame) -> list[str]:
    if rows["trip_price"].null_count() == len(rows):
        return ["No trip has a price in these files, so days are told and no money; trip_price brings it."]
    gone = rows.filter(cancelled())
    if len(gone) and gone["money"].null_count():
        return ["The price of a cancelled trip is not kept in these files: money lost is not known there."]
    return []


def _exported(rows: pl.DataFrame) -> bool:
    return bool(rows["booked_at_source"].is_in(EXPORTED).any())
