"""What of the books can be expected to be kept at T = 2026-03-02: by bookings whose outcome was known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tiny_fleet import at, build, trip

T = datetime(2026, 3, 2)
DAY = timedelta(days=1)
LATER = "2026-07-01T00:00"


def booking(booked: datetime, lead: float, cancelled: float | None = None, days: int = 4, vehicle: str = "a"):
    """A trip booked `lead` days ahead and, if so, cancelled `cancelled` days after its booking."""
    start = booked + lead * DAY
    status = "completed" if cancelled is None else "guest_cancellation"
    gone = None if cancelled is None else (booked + cancelled * DAY).isoformat()
    end = start + days * DAY
    return trip(vehicle, start.isoformat(), end.isoformat(), booked.isoformat(), status, cancelled_at=gone)


def past(cancelled: int, of: int = 10, after: float = 7.5):
    """Bookings of ten days' lead that all started before T, the first `cancelled` of them cancelled."""
    begin = T - 200 * DAY
    return [
        booking(begin + 5 * number * DAY, 10, after if number < cancelled else None, vehicle="b")
        for number in range(of)
    ]


def books(*rows, horizon: int = 28):
    return at(build(list(rows), LATER, horizon), "a", "2026-03-02")


def test_the_books_count_by_the_share_of_such_bookings_that_were_kept():
    # A fifth class of lead, 45 days, leans on all: 4 of 10 + 2 cancelled, 8 of 12 kept; ten days of lead have
    # 6 of 10 and 20 as all have: (6 + 20 * 8 / 12) / 30.
    other = [booking(T - 150 * DAY, 45, vehicle="c"), booking(T - 140 * DAY, 45, vehicle="d")]
    row = books(*past(4), *other, booking(T - 5 * DAY, 10))
    assert row["otb_days"] == 4
    assert row["otb_days_kept"] == pytest.approx(4 * (6 + 20 * 8 / 12) / 30, abs=1e-8)
    assert row["otb_trips_kept"] == pytest.approx((6 + 20 * 8 / 12) / 30, abs=1e-8)
    far = books(*past(4), *other, booking(T - 5 * DAY, 25))
    assert far["otb_days_kept"] == pytest.approx(4 * 8 / 12, abs=1e-8)  # no such lead so far: as all have


def test_the_older_a_booking_the_safer_once_the_usual_time_to_cancel_is_over():
    # All that were cancelled were so when three quarters of the lead had passed.
    early, late = (books(*past(6), booking(T - age * DAY, 10)) for age in (5, 9))
    assert early["otb_days_kept"] == pytest.approx(4 * 0.4, abs=1e-8)
    assert late["otb_days_kept"] == 4


def test_a_trip_in_progress_is_kept():
    row = books(*past(6), booking(T - 12 * DAY, 10))
    assert row["otb_days"] == row["otb_days_kept"] == 2


def test_what_happens_to_the_books_after_the_origin_moves_nothing():
    open_trips = [booking(T - 5 * DAY, 10), booking(T - 20 * DAY, 30), booking(T - 2 * DAY, 60)]
    lost = [
        booking(T - 5 * DAY, 10, 8), booking(T - 20 * DAY, 30, 29), booking(T - 2 * DAY, 60, 3)
    ]  # fmt: skip
    for horizon in (7, 28, 90):
        one, two = (books(*past(4), *rows, horizon=horizon) for rows in (open_trips, lost))
        names = [name for name in one if name.endswith("_kept")]
        assert {"otb_days_kept", "otb_trips_kept", "otb_revenue_kept"} == set(names)
        assert [one[name] for name in names] == [two[name] for name in names]


def test_a_fleet_without_cancellations_has_no_such_columns():
    made = build([*past(0), booking(T - 5 * DAY, 10)], LATER)
    assert not [name for name in made.columns if name.endswith("_kept")]
