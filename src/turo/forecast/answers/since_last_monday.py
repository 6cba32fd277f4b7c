"""What changed since last Monday: bookings, cancellations, the forecast and why, and how right it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Any

import polars as pl

from turo.data.tables import EXACT
from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.monday import books_since, forecast_move
from turo.forecast.answers.monday.then_and_now import AGAIN, LAST, Fleet, expected_now, said_then, window_told
from turo.forecast.live.fleet_books import FleetBooks
from turo.table.targets import BOOKED_DAYS, TARGET

KEY = "since_last_monday"
SHOWN = 20
FIRST_WINDOW = 7  # the one that is over a week later
TYPES: dict[str, type[pl.DataType]] = {
    "vehicle_id": pl.String,
    "vehicle": pl.String,
    "new_bookings": pl.Int64,  # null where the file cannot tell
    "cancellations": pl.Int64,
    "days_won": pl.Float64,  # of whole trips
    "days_lost": pl.Float64,
    "money_won": pl.Float64,
    "money_lost": pl.Float64,
    "expected_then": pl.Float64,  # days of last Monday's window, as forecast then
    "expected_now": pl.Float64,  # of the same days, as they look now
    "moved": pl.Float64,  # now - then
}


def answer(facts: Facts) -> Answer:
    """A row a vehicle that changed, moved or is forecast; the biggest mover first."""
    last = facts.origin - LAST
    since = books_since.books_since(facts.tables, last, facts.origin)
    days = facts.forecasts["target"][0] == BOOKED_DAYS
    then = said_then(facts)
    names = _names(facts)
    rows = names.join(since.by_vehicle, "vehicle_id", how="left", maintain_order="left")
    empty = pl.lit(None, pl.Float64)
    if days and then.how:
        books = Fleet.of(facts)
        now = expected_now(facts, books, names["vehicle_id"].to_list())
        rows = rows.join(then.rows, "vehicle_id", how="left", maintain_order="left").with_columns(
            pl.Series("expected_now", now).fill_nan(None)
        )
    else:
        rows = rows.with_columns(empty.alias("expected_then"), empty.alias("expected_now"))
    rows = _filled(rows, since).with_columns(
        (pl.col("expected_now") - pl.col("expected_then")).alias("moved")
    )
    ordered = rows.select(pl.col(name).cast(kind) for name, kind in TYPES.items()).sort(
        pl.col("moved").abs(),
        pl.col("days_won") + pl.col("days_lost"),
        "vehicle_id",
        descending=[True, True, False],
        nulls_last=True,
    )
    move = None
    if days and then.how:
        move = forecast_move.fleet_move(facts, books, FleetBooks(facts.tables), ordered)
    view = {
        "last": last,
        "origin": facts.origin,
        "sums": _sums(ordered),
        "after": _after(facts),
        "again": then.how == AGAIN,
        "model": then.model,
        "window": window_told(facts),
        "move": move,
        "scored": _scored(facts),
        "shown": SHOWN,
    }
    return Answer(KEY, ordered, view, [*since.missing, *_missing(facts, days, then.how)])


def _names(facts: Facts) -> pl.DataFrame:
    """vehicle_id, vehicle of all that are forecast, then of others of the file without a name."""
    known = facts.forecasts.filter(horizon_days=facts.main).select("vehicle_id", "vehicle")
    others = facts.tables.reservations.select("vehicle_id").unique().join(known, "vehicle_id", how="anti")
    return pl.concat([known, others.sort("vehicle_id").with_columns(pl.lit("").alias("vehicle"))])


def _filled(rows: pl.DataFrame, since: books_since.Since) -> pl.DataFrame:
    """A vehicle without any is 0 where the file can tell, null where it cannot; the idle are left out."""
    won, lost = ("new_bookings", "days_won", "money_won"), ("cancellations", "days_lost", "money_lost")
    touched = pl.any_horizontal(pl.col("new_bookings", "cancellations").fill_null(0) > 0)
    known = touched | (pl.col("vehicle") != "") | pl.col("expected_then").is_not_null()
    quiet = {name: pl.col("new_bookings").is_null() for name in won}
    quiet |= {name: pl.col("cancellations").is_null() for name in lost}
    tells = dict.fromkeys(won, since.booked) | dict.fromkeys(lost, since.cancelled)
    return rows.filter(known).with_columns(
        (pl.when(quiet[name]).then(0).otherwise(pl.col(name)) if tells[name] else pl.lit(None)).alias(name)
        for name in (*won, *lost)
    )


def _sums(rows: pl.DataFrame) -> Mapping[str, Any]:
    """Of all vehicles; money of those whose is known, and `…_of`: of how many of those with such a trip."""
    names = ("new_bookings", "cancellations", "days_won", "days_lost")
    told: dict[str, Any] = {
        name: rows[name].sum() if len(rows) and rows[name].null_count() == 0 else None for name in names
    }
    for money, count in (("money_won", "new_bookings"), ("money_lost", "cancellations")):
        some = rows.filter(pl.col(count) > 0)
        known = some[money].count()
        told[money] = some[money].sum() if known or (told[count] == 0 and rows[money].count()) else None
        told[f"{money}_of"] = (known, len(some))
    return told


def _after(facts: Facts) -> Mapping[str, Any] | None:
    """All that the file has from this Monday's midnight on, which the week above does not hold.

    A booking's latest possible date may lie after the snapshot; what is in the file was booked by then. An
    exact one may, too: the snapshot is what the trips prove.
    """
    monday, rows = datetime.combine(facts.origin, time()), facts.tables.reservations
    exact = pl.col("booked_at_source").eq_missing(EXACT)
    proven = rows.filter(exact)["booked_at"].max()
    until = max(facts.tables.snapshot, monday, proven if isinstance(proven, datetime) else monday)
    since = books_since.books_since(facts.tables, monday)
    if until == monday and since.by_vehicle.is_empty():
        return None
    vague = replace(facts.tables, reservations=rows.filter(~exact))
    dated_later = books_since.books_since(vague, until).by_vehicle["new_bookings"].sum()
    return {
        "until": until,
        "new_bookings": since.by_vehicle["new_bookings"].sum() if since.booked else None,
        "dated_later": dated_later,
        "cancellations": since.by_vehicle["cancellations"].sum() if since.cancelled else None,
    }


def _scored(facts: Facts) -> Mapping[str, Any] | None:
    """Last Monday's forecast of a week, which is over; else the newest kept Monday that is."""
    mine = facts.live.mondays.filter(pl.col("target") == facts.forecasts["target"][0])
    mine = mine.drop_nulls(["forecast", "actual"])
    week = mine.filter(origin_date=facts.origin - LAST, horizon_days=FIRST_WINDOW)
    rows = week if len(week) else mine.sort("origin_date", "horizon_days").tail(1)
    return rows.row(0, named=True) if len(rows) else None


def _missing(facts: Facts, days: bool, how: str) -> list[str]:
    last, after = facts.origin - LAST, facts.origin + LAST
    if not days:
        noun = TARGET[facts.forecasts["target"][0]].noun
        return [f"How the forecast moved is told of booked days; this one is of {noun}."]
    if not how:
        return [
            f"No forecast was kept on {last}, and the table has no rows of that Monday: how far the forecast "
            f"moved is told from {after} on."
        ]
    if how == AGAIN:
        return [
            f"No forecast was kept on {last}: “then” is what today's model says by what was known that "
            f"Monday. From {after} on it is the forecast that you saw."
        ]
    return []
