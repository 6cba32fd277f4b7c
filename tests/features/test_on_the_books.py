"""On the books at T = 2026-03-02 for [2026-03-02, 2026-03-30): by booking and cancellation dates alone."""

from __future__ import annotations

import pytest
from tiny_fleet import at, build, trip

EARLY = trip("a", "2026-01-02T00:00", "2026-01-03T00:00", "2026-01-01T00:00")
SPAN = ("2026-03-05T00:00", "2026-03-09T12:00")  # 4.5 days inside


def books(*rows, snapshot="2026-05-01T00:00", origin="2026-03-02", horizon=28):
    return at(build([EARLY, *rows], snapshot, horizon), "a", origin)


@pytest.mark.parametrize(
    ("booked", "days"), [("2026-03-01T23:59", 4.5), ("2026-03-02T00:00", 4.5), ("2026-03-02T00:01", 0)]
)
def test_booked_at_or_before_the_origin(booked, days):
    row = books(trip("a", *SPAN, booked))
    assert row["otb_days"] == days
    assert row["otb_trips"] == (days > 0)


@pytest.mark.parametrize(
    ("cancelled", "days"),
    [("2026-03-01T23:59", 0), ("2026-03-02T00:00", 0), ("2026-03-02T00:01", 4.5), ("2026-03-20T00:00", 4.5)],
)
def test_a_dated_cancellation_leaves_the_books_at_its_date(cancelled, days):
    assert (
        books(trip("a", *SPAN, "2026-02-20T00:00", "guest_cancellation", cancelled_at=cancelled))["otb_days"]
        == days
    )


def test_an_undated_cancellation_stays_until_its_start_then_leaves():
    row = trip("a", "2026-02-20T00:00", "2026-03-20T00:00", "2026-02-01T00:00", "guest_cancellation")
    assert books(row, origin="2026-02-16")["otb_days"] == 24  # 20 Feb to 16 Mar
    assert books(row, origin="2026-02-23")["otb_days"] == 0
    assert books(row, origin="2026-02-23")["hist_days_28"] == 0


def test_a_cancellation_on_the_origin_that_is_its_start_is_gone():
    row = trip("a", "2026-03-02T00:00", "2026-03-04T00:00", "2026-02-01T00:00", "guest_cancellation")
    assert books(row)["otb_days"] == 0
    assert books(row, origin="2026-02-23")["otb_days"] == 2


def test_a_trip_in_progress_is_split_at_the_origin():
    row = books(trip("a", "2026-02-28T00:00", "2026-03-05T00:00", "2026-02-20T00:00"))
    assert row["otb_days"] == 3
    assert row["hist_days_28"] == 2
    assert row["otb_trips"] == 0  # it does not start in the window
    assert row["days_since_return"] == 0


def test_without_a_booking_date_a_trip_is_known_from_its_start():
    row = trip("a", "2026-02-28T00:00", "2026-03-05T00:00", None)
    assert books(row, origin="2026-02-23")["otb_days"] == 0
    assert books(row)["otb_days"] == 3


def test_union_on_the_books_and_its_parts():
    rows = [
        trip("a", "2026-03-03T00:00", "2026-03-07T00:00", "2026-02-20T00:00"),
        trip("a", "2026-03-06T00:00", "2026-03-12T00:00", "2026-02-21T00:00"),
    ]
    row = books(*rows)
    assert row["otb_days"] == 9
    assert row["otb_share"] == pytest.approx(9 / 28, abs=1e-9)
    assert row["otb_trips"] == 2
    assert row["otb_days_first_7"] == 6
    assert row["otb_days_first_14"] == 9
    assert row["days_to_next_start"] == 1


def test_pickup_is_the_change_of_the_books_for_the_same_window():
    rows = [
        trip("a", "2026-03-03T00:00", "2026-03-05T00:00", "2026-02-10T00:00"),  # on the books before both
        trip("a", "2026-03-10T00:00", "2026-03-13T00:00", "2026-02-20T00:00"),  # within 14 days
        trip("a", "2026-03-20T00:00", "2026-03-24T00:00", "2026-02-27T00:00"),  # within 7 days
        trip("a", "2026-03-26T00:00", "2026-03-27T00:00", "2026-02-01T00:00", "guest_cancellation",
             cancelled_at="2026-02-26T00:00"),
    ]  # fmt: skip
    row = books(*rows)
    assert row["otb_days"] == 9
    assert row["pickup_7"] == 4 - 1
    assert row["pickup_14"] == 3 + 4 - 1


def test_revenue_on_the_books_by_time():
    cancelled_later = {"status": "guest_cancellation", "cancelled_at": "2026-03-04T00:00"}
    row = books(
        trip(
            "a", "2026-03-28T00:00", "2026-04-01T00:00", "2026-02-20T00:00", trip_price=400.0, discounts=-40.0
        ),
        trip(
            "a",
            "2026-03-05T00:00",
            "2026-03-06T00:00",
            "2026-02-20T00:00",
            trip_price=50.0,
            **cancelled_later,
        ),
    )
    assert row["otb_revenue"] == pytest.approx(180 + 50)


@pytest.mark.parametrize("price", [0.0, None])
def test_no_revenue_on_the_books_where_the_price_of_a_cancelled_row_is_unknown(price):
    row = trip("a", *SPAN, "2026-02-20T00:00", "guest_cancellation", trip_price=price)
    assert "otb_revenue" not in build([EARLY, row], "2026-05-01T00:00").columns


def test_no_revenue_on_the_books_without_exact_booking_dates():
    rows = [
        EARLY | {"booked_at_source": "id_bound"},
        trip("a", *SPAN, "2026-02-20T00:00", booked_at_source="id_bound"),
    ]
    assert "otb_revenue" not in build(rows, "2026-05-01T00:00").columns


@pytest.mark.parametrize(("horizon", "days"), [(7, 2), (90, 2 + 3 + 4)])
def test_other_horizons(horizon, days):
    rows = [
        trip("a", "2026-03-07T00:00", "2026-03-09T00:00", "2026-02-10T00:00"),
        trip("a", "2026-03-10T00:00", "2026-03-13T00:00", "2026-02-10T00:00"),
        trip("a", "2026-05-27T00:00", "2026-06-20T00:00", "2026-02-27T00:00"),
    ]
    row = books(*rows, horizon=horizon, snapshot="2026-09-01T00:00")
    assert row["otb_days"] == days == row["y_booked_days"]
    assert row["horizon_days"] == horizon
