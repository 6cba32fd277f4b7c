"""Where the error of a fleet's total came from: hand-made weeks in which the answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from tiny_fleet import Row, build, random_rows, reservations, trip, vehicles

from turo.data.tables import REJECTED, REVISIONS, Tables, empty
from turo.forecast.forecast_columns import TOTALS
from turo.forecast.live.fleet_books import FleetBooks
from turo.forecast.live.mondays import fleet_mondays

JUDGED = date(2026, 6, 1)
PARTS = ("volume", "lead_time", "cancellation")


def days(origin: date, vehicle: str, length: float, booked: int, cancelled: int | None = None) -> Row:
    """A trip from the origin on; `booked` and `cancelled` are days after the origin."""
    at = datetime(origin.year, origin.month, origin.day)
    return trip(
        vehicle,
        at.isoformat(),
        (at + timedelta(days=length)).isoformat(),
        (at + timedelta(days=booked)).isoformat(),
        "completed" if cancelled is None else "guest_cancellation",
        cancelled_at=None if cancelled is None else at + timedelta(days=cancelled),
    )


def usual_week(origin: date) -> list[Row]:
    """8 days on the books, 2 of them cancelled, and 2 that come later: 8 in the end."""
    return [
        days(origin, "early", 6, booked=-30),
        days(origin, "lost", 2, booked=-30, cancelled=1),
        days(origin, "late", 2, booked=0)
        | {"booked_at": datetime.combine(origin, datetime.min.time()).replace(hour=9)},
    ]


def source(rows: Sequence[Row], **more: Any) -> Tables:
    table = reservations(list(rows)).with_columns(
        reservation_id=pl.int_range(pl.len()).cast(pl.String), fees=pl.lit(None, pl.Float64)
    )
    moment = datetime(2026, 12, 1)
    return Tables("canonical", table, vehicles(), None, moment, empty(REJECTED), **more)


def forecast(origin: date, books: dict[str, float], actual: dict[str, float], mean: float) -> pl.DataFrame:
    """The fleet's forecast of a week, all of the mean in one vehicle."""
    names = sorted({*books, *actual})
    return pl.DataFrame(
        [
            {
                "vehicle_id": name,
                "origin_date": origin,
                "horizon_days": 7,
                "target": "y_booked_days",
                "model": "XGBoost",
                "version": "3",
                "mean": mean if name == names[0] else 0.0,
                "on_books": books.get(name, 0.0),
                "actual": actual.get(name, 0.0),
            }
            for name in names
        ]
    )


def weeks_before(count: int) -> list[date]:
    return [JUDGED - timedelta(weeks=back) for back in range(1, count + 1)]


def judge(pairs: pl.DataFrame, tables: Tables) -> dict[str, Any]:
    """The newest Monday."""
    found = fleet_mondays(pairs, pl.DataFrame(schema=TOTALS), FleetBooks(tables))
    return found.row(-1, named=True)


def parts(found: dict[str, Any]) -> list[float]:
    return [found[name] for name in PARTS]


PAST = [row for origin in weeks_before(20) for row in usual_week(origin)]


def test_more_cancellations_than_usual_are_all_in_cancellation() -> None:
    week = [
        days(JUDGED, "early", 3, booked=-30),
        days(JUDGED, "lost", 5, booked=-30, cancelled=1),
        days(JUDGED, "late", 2, booked=1),
    ]
    pairs = forecast(JUDGED, {"early": 3, "lost": 5}, {"early": 3, "late": 2}, mean=8.0)
    found = judge(pairs, source([*PAST, *week]))
    assert (found["forecast"], found["actual"], found["error"]) == (8.0, 5.0, -3.0)
    assert parts(found) == pytest.approx([0.0, 0.0, -3.0])
    assert found["not_split"] is None


def test_twice_the_bookings_at_the_usual_pace_are_all_volume() -> None:
    week = [
        *usual_week(JUDGED),
        *(row | {"vehicle_id": f"{row['vehicle_id']}2"} for row in usual_week(JUDGED)),
    ]
    books = {"early": 6.0, "early2": 6.0, "lost": 2.0, "lost2": 2.0}
    actual = {"early": 6.0, "early2": 6.0, "late": 2.0, "late2": 2.0}
    found = judge(forecast(JUDGED, books, actual, mean=14.0), source([*PAST, *week]))
    assert found["error"] == 2.0  # four came later, two were expected to
    assert parts(found) == pytest.approx([2.0, 0.0, 0.0])


def test_bookings_made_earlier_than_usual_are_all_lead_time() -> None:
    week = [
        days(JUDGED, "early", 6, booked=-30),
        days(JUDGED, "late", 1.5, booked=-3),
        days(JUDGED, "lost", 2.5, booked=-30, cancelled=1),
    ]
    books = {"early": 6.0, "late": 1.5, "lost": 2.5}
    pairs = forecast(JUDGED, books, {"early": 6.0, "late": 1.5}, mean=9.5)  # the usual 2 days still to come
    found = judge(pairs, source([*PAST, *week]))
    assert found["error"] == -2.0
    assert parts(found) == pytest.approx([0.0, -2.0, 0.0])


def test_a_week_as_usual_has_no_part_at_all() -> None:
    pairs = forecast(JUDGED, {"early": 6, "lost": 2}, {"early": 6, "late": 2}, mean=8.0)
    assert parts(judge(pairs, source([*PAST, *usual_week(JUDGED)]))) == pytest.approx([0.0, 0.0, 0.0])


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_add_up_and_the_books_are_those_of_the_features(seed: int) -> None:
    dated = [
        row
        for row in random_rows(seed)
        if "cancellation" not in row["status"] or row["cancelled_at"] is not None
    ]
    table = build(dated, "2026-07-01", horizon=7)
    tables = source(dated)
    books, compared = FleetBooks(tables), 0
    for (origin,), rows in table.drop_nulls("y_booked_days").group_by("origin_date"):
        if (found := books.computed(origin, 7)) is not None:
            assert found.on_books == pytest.approx(rows["otb_days"].sum())
            assert found.actual == pytest.approx(rows["y_booked_days"].sum())
            assert 0 <= found.kept <= min(found.on_books, found.actual) + 1e-9
            compared += 1
    assert compared > 50
    judged = table.filter(pl.col("origin_date").is_between(date(2026, 1, 5), date(2026, 3, 30))).with_columns(
        pl.lit("y_booked_days").alias("target"),
        pl.lit("KNN").alias("model"),
        pl.lit("1").alias("version"),
        (pl.col("otb_days") * 0.7 + 1.3).alias("mean"),
        pl.col("otb_days").alias("on_books"),
        pl.col("y_booked_days").alias("actual"),
    )
    mondays = fleet_mondays(judged, pl.DataFrame(schema=TOTALS), books)
    assert len(mondays.drop_nulls(list(PARTS))) == 13
    summed = mondays.select(pl.sum_horizontal(PARTS)).to_series()
    assert summed.to_list() == pytest.approx(mondays["error"].to_list(), abs=1e-9)
    assert (mondays["actual"] - mondays["forecast"]).to_list() == pytest.approx(mondays["error"].to_list())


def test_cancellations_without_a_date_leave_the_parts_out_and_say_why() -> None:
    undated = [row | {"cancelled_at": None} for row in [*PAST, *usual_week(JUDGED)]]
    pairs = forecast(JUDGED, {"early": 6, "lost": 2}, {"early": 6, "late": 2}, mean=9.0)
    found = judge(pairs, source(undated))
    assert parts(found) == [None, None, None]
    assert found["error"] == -1.0
    assert "usual is known from 0 earlier windows with bookings, 8 are needed" in found["not_split"]
    assert "cancellations have no date" in found["not_split"]


def test_forecasts_that_were_kept_tell_what_is_usual_where_cancellations_have_no_date() -> None:
    undated = [row | {"cancelled_at": None} for row in [*PAST, *usual_week(JUDGED)]]
    kept = [
        forecast(origin, {"early": 6, "lost": 2}, {"early": 6, "late": 2}, mean=9.0)
        for origin in [JUDGED, *weeks_before(8)]
    ]
    found = judge(pl.concat(reversed(kept)), source(undated))
    assert parts(found) == pytest.approx([-1.0, 0.0, 0.0])  # a day more was expected to come


def test_bookings_without_a_date_leave_the_parts_out_and_say_why() -> None:
    undated = [row | {"booked_at": None, "booked_at_source": "none"} for row in usual_week(JUDGED)]
    pairs = forecast(JUDGED, {"early": 6}, {"early": 6, "late": 2}, mean=9.0)
    found = judge(pairs, source([*PAST, *undated]))
    assert parts(found) == [None, None, None]
    assert found["not_split"] == "3 trips of the window have no booking date."


def test_a_history_too_short_to_know_what_is_usual() -> None:
    short = [row for origin in weeks_before(7) for row in usual_week(origin)]
    pairs = forecast(JUDGED, {"early": 6, "lost": 2}, {"early": 6, "late": 2}, mean=9.0)
    found = judge(pairs, source([*short, *usual_week(JUDGED)]))
    assert "known from 7 earlier windows with bookings, 8 are needed" in found["not_split"]


def test_only_booked_days_are_split() -> None:
    pairs = forecast(JUDGED, {"early": 6}, {"early": 6}, mean=6.0).with_columns(target=pl.lit("y_revenue"))
    found = judge(pairs, source([*PAST, *usual_week(JUDGED)]))
    assert found["not_split"] == "Only booked days are split, not revenue."


def test_a_trip_made_longer_after_the_origin_was_booked_later_by_that_much() -> None:
    longer = source([*PAST, days(JUDGED, "early", 6, booked=-30)])
    number = longer.reservations["reservation_id"][-1]
    start = datetime.combine(JUDGED, datetime.min.time())
    revision = {
        "reservation_id": number,
        "trip_start": start,
        "trip_end": start + timedelta(days=4),
        "trip_price": None,
        "discounts": None,
        "since": None,
        "until": start + timedelta(days=2),
    }
    changed = source(
        [*PAST, days(JUDGED, "early", 6, booked=-30)], revisions=pl.DataFrame([revision], REVISIONS)
    )
    assert FleetBooks(longer).kept(JUDGED, 7, ["early"]).tolist() == [6.0]
    assert FleetBooks(changed).kept(JUDGED, 7, ["early"]).tolist() == [4.0]
    found = FleetBooks(changed).computed(JUDGED, 7)
    assert found is not None
    assert (found.on_books, found.kept, found.later) == (4.0, 4.0, 2.0)
