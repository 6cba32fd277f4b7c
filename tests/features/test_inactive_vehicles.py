"""Which vehicles look gone, from which origin on, by what was known then."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from tiny_fleet import Row, build, random_rows, trip, vehicles

from turo.table.model_columns import feature_columns

END = "2026-09-01T00:00"
OTHER = trip("z", "2025-10-01T00:00", "2025-10-03T00:00", "2025-09-20T00:00")  # begins the file's history


def every(days: int, count: int, first: str = "2026-01-05T00:00", **more: str) -> list[Row]:
    """Trips of vehicle `a`, two days each."""
    starts = [datetime.fromisoformat(first) + timedelta(days=days * number) for number in range(count)]
    return [
        trip("a", start.isoformat(), (start + timedelta(days=2)).isoformat(), None, **more)
        for start in starts
    ]


def gone(rows: list[Row], fleet: pl.DataFrame | None = None) -> list[date]:
    """Origins at which vehicle `a` looks gone."""
    table = build([OTHER, *rows], END, fleet=fleet)
    return table.filter(vehicle_id="a", looks_gone=1)["origin_date"].to_list()


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (every(7, 8), date(2026, 4, 20)),  # ends 25 Feb; 56 days are over on 22 Apr, so 27 Apr
        (every(28, 3), date(2026, 6, 1)),  # ends 4 Mar; three times 28 days are over on 27 May
        (every(28, 2), date(2026, 5, 11)),  # ends 4 Feb; too few for a mean: 91 days are over on 6 May
    ],
)
def test_from_when_a_silent_vehicle_looks_gone(rows: list[Row], first: date) -> None:
    found = gone(rows)
    last_end = max(row["trip_end"] for row in rows).date()
    assert found[0] > last_end
    assert found == [found[0] + timedelta(weeks=week) for week in range(len(found))]
    assert found[-1] == date(2026, 8, 31)  # for good
    expected = {8: timedelta(days=56), 3: timedelta(days=84), 2: timedelta(days=91)}[len(rows)]
    assert found[0] - timedelta(weeks=1) <= last_end + expected < found[0]
    assert abs((found[0] - first).days) <= 7


def test_a_booking_however_far_ahead_says_it_is_there() -> None:
    ahead = trip("a", "2026-12-20T00:00", "2026-12-24T00:00", "2026-06-10T00:00", "booked")
    found = gone([*every(7, 8), ahead])
    assert found[0] == date(2026, 4, 27)
    assert found[-1] == date(2026, 6, 8)  # the last origin before the booking


def test_a_booking_that_the_snapshot_shows_as_cancelled_is_none_at_the_newest_origin() -> None:
    """Who sells a vehicle cancels its bookings; an export does not say when."""
    cancelled = trip("a", "2026-12-20T00:00", "2026-12-24T00:00", "2026-06-10T00:00", "host_cancellation")
    found = gone([*every(7, 8), cancelled])
    assert found[0] == date(2026, 4, 27)
    assert found[-2:] == [date(2026, 6, 8), date(2026, 8, 31)]


def test_a_trip_brings_it_back() -> None:
    found = gone([*every(7, 8), *every(7, 1, "2026-08-01T00:00")])
    assert found[-1] == date(2026, 7, 27)


def test_cancelled_bookings_are_no_trips() -> None:
    cancelled = every(7, 4, "2026-04-01T00:00", status="guest_cancellation")
    assert gone([*every(7, 8), *cancelled])[0] == date(2026, 4, 27)


@pytest.mark.parametrize("listed_to", [date(2026, 12, 31), date(2026, 5, 4)])
def test_listed_to_decides_it(listed_to: date) -> None:
    fleet = vehicles(("a", None, "car")).with_columns(listed_to=pl.lit(listed_to))
    assert gone(every(7, 8), fleet) == []
    table = build([OTHER, *every(7, 8)], END, fleet=fleet).filter(vehicle_id="a")
    assert table.filter(pl.col("origin_date") >= listed_to).is_empty()


def test_a_vehicle_without_a_trip_is_silent_from_its_listing_on() -> None:
    assert gone([], vehicles(("a", "2026-03-02", "car")))[0] == date(2026, 6, 8)  # 91 days are over on 1 Jun


def test_rows_that_look_gone_do_not_train_and_the_mark_is_no_feature() -> None:
    table = build([OTHER, *every(7, 8)], END)
    assert "looks_gone" in table.columns
    assert "looks_gone" not in feature_columns(table.columns)
    marked, others = table.filter(looks_gone=1), table.filter(vehicle_id="a", looks_gone=0)
    assert set(marked["in_training"]) == {0}
    assert set(others.filter(pl.col("origin_date") >= date(2026, 1, 5))["in_training"]) == {1}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_that_became_known_later_moves_the_mark(seed: int) -> None:
    moment = datetime(2026, 2, 2)
    whole = random_rows(seed, trips=40)
    known = [
        {**row, "status": "booked", "cancelled_at": None}
        if max(row["trip_start"], row["cancelled_at"] or row["trip_start"]) > moment
        else row
        for row in whole
        if row["booked_at"] <= moment
    ]
    marks = [
        build(rows, "2026-07-01T00:00")
        .filter(pl.col("origin_date") <= moment.date())
        .select("vehicle_id", "origin_date", "looks_gone")
        for rows in (whole, known)
    ]
    assert marks[0].equals(marks[1])
    assert marks[0]["looks_gone"].sum() > 0
