"""Labels by hand: windows [T, T + 28 days) of a Monday, here 2026-03-02 to 2026-03-30."""

from __future__ import annotations

import pytest
from tiny_fleet import at, build, trip

EARLY = trip("a", "2026-02-02T00:00", "2026-02-03T00:00", "2026-02-01T00:00")
LATER = "2026-05-01T00:00"


def label(*rows, snapshot=LATER, origin="2026-03-02"):
    return at(build([EARLY, *rows], snapshot), "a", origin)


def test_occupied_days_are_fractions_clipped_to_the_window():
    row = label(
        trip("a", "2026-02-28T18:00", "2026-03-02T06:00", "2026-02-20T00:00"),  # 0.25 days inside
        trip("a", "2026-03-10T10:00", "2026-03-11T22:00", "2026-03-09T00:00"),  # 1.5
        trip("a", "2026-03-29T12:00", "2026-04-02T12:00", "2026-03-20T00:00"),  # 0.5 inside
    )
    assert row["y_booked_days"] == 2.25
    assert row["y_reservations"] == 2  # the first one started before the window


def test_overlapping_trips_of_one_vehicle_count_their_union_once():
    row = label(
        trip("a", "2026-03-03T00:00", "2026-03-10T00:00", "2026-02-20T00:00"),
        trip("a", "2026-03-04T00:00", "2026-03-05T00:00", "2026-02-20T00:00"),  # swallowed
        trip("a", "2026-03-09T00:00", "2026-03-12T00:00", "2026-02-20T00:00"),  # two days more
    )
    assert row["y_booked_days"] == 9
    assert row["y_reservations"] == 3


def test_a_window_is_full_at_its_length():
    row = label(trip("a", "2026-02-10T00:00", "2026-04-20T00:00", "2026-02-09T00:00"))
    assert row["y_booked_days"] == 28
    assert row["otb_share"] == 1
    assert row["y_reservations"] == 0


@pytest.mark.parametrize("status", ["guest_cancellation", "host_cancellation"])
def test_cancelled_trips_are_no_booked_days_reservations_or_revenue(status):
    row = label(trip("a", "2026-03-03T00:00", "2026-03-10T00:00", "2026-02-20T00:00", status))
    assert (row["y_booked_days"], row["y_reservations"], row["y_revenue"]) == (0, 0, 0)


@pytest.mark.parametrize("status", ["completed", "booked", "in_progress"])
def test_every_other_status_counts(status):
    row = label(trip("a", "2026-03-03T00:00", "2026-03-10T00:00", "2026-02-20T00:00", status))
    assert (row["y_booked_days"], row["y_reservations"], row["y_revenue"]) == (7, 1, 100)


def test_start_on_the_edges_belongs_to_the_window_that_begins_there():
    starts = label(trip("a", "2026-03-02T00:00", "2026-03-03T00:00", "2026-02-20T00:00"))
    ends = label(trip("a", "2026-03-30T00:00", "2026-03-31T00:00", "2026-02-20T00:00"))
    assert (starts["y_reservations"], starts["y_booked_days"]) == (1, 1)
    assert (ends["y_reservations"], ends["y_booked_days"]) == (0, 0)


def test_revenue_is_base_by_the_share_of_time_in_the_window():
    row = label(
        # price 400, discount 40: 360 for 4 days, of which 1 in the window; earnings and fees do not matter
        trip("a", "2026-02-27T00:00", "2026-03-03T00:00", "2026-02-20T00:00",
             trip_price=400.0, discounts=-40.0, total_earnings=999.0),
        trip("a", "2026-03-05T00:00", "2026-03-06T00:00", "2026-02-20T00:00", trip_price=55.5),
    )  # fmt: skip
    assert row["y_revenue"] == pytest.approx(90 + 55.5, abs=1e-9)


def test_revenue_of_an_unknown_price_is_null_not_zero():
    row = label(trip("a", "2026-03-03T00:00", "2026-03-10T00:00", "2026-02-20T00:00", trip_price=None))
    assert row["y_booked_days"] == 7
    assert row["y_revenue"] is None


@pytest.mark.parametrize(
    ("snapshot", "days", "revenue"),
    [
        ("2026-03-29T23:59", None, None),
        ("2026-03-30T00:00", 1, None),  # the window has ended; revenue waits one day more
        ("2026-03-30T23:59", 1, None),
        ("2026-03-31T00:00", 1, 100),
    ],
)
def test_labels_exist_only_once_the_window_has_ended(snapshot, days, revenue):
    row = label(trip("a", "2026-03-03T00:00", "2026-03-04T00:00", "2026-02-20T00:00"), snapshot=snapshot)
    assert (row["y_booked_days"], row["y_revenue"]) == (days, revenue)
    assert (row["y_reservations"] is None) == (days is None)


def test_the_newest_origin_is_there_without_a_label():
    table = build([EARLY], "2026-05-04T00:00")  # a Monday
    assert str(table["origin_date"].max()) == "2026-05-04"
    assert at(table, "a", "2026-05-04")["y_booked_days"] is None
    assert at(table, "a", "2026-05-04")["in_training"] == 0
