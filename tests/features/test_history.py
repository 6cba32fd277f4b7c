"""History at T = 2026-06-01 (a Monday), counted by hand."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from tiny_fleet import at, build, trip, vehicles

FIRST = trip("a", "2025-01-02T00:00", "2025-01-03T00:00", "2025-01-01T00:00", trip_price=80.0)


def past(*rows, origin="2026-06-01", **more):
    return at(build([FIRST, *rows], "2026-08-01T00:00", **more), "a", origin)


def test_booked_days_trips_and_revenue_of_the_last_days():
    row = past(
        trip(
            "a", "2026-05-30T12:00", "2026-06-03T12:00", "2026-05-01T00:00"
        ),  # 1.5 days before T, 100 for 4 days
        trip("a", "2026-05-01T00:00", "2026-05-06T00:00", "2026-04-01T00:00"),  # 2 of 5 days in the last 28
        trip("a", "2026-03-10T00:00", "2026-03-11T00:00", "2026-03-01T00:00"),
    )
    assert [row[f"hist_days_{days}"] for days in (7, 28, 91)] == [1.5, 3.5, 7.5]
    assert [row[f"hist_trips_{days}"] for days in (28, 91)] == [1, 3]
    assert row["hist_revenue_28"] == pytest.approx(37.5 + 40)
    assert row["hist_revenue_91"] == pytest.approx(37.5 + 100 + 100)


def test_a_trip_in_progress_under_an_export_counts_at_the_own_price_per_day():
    ended = trip("a", "2026-05-11T00:00", "2026-05-15T00:00", "2026-04-01T00:00", trip_price=160.0)
    out = trip("a", "2026-05-30T12:00", "2026-06-03T12:00", "2026-05-01T00:00", trip_price=900.0)
    own = (80 + 160) / (1 + 4)
    exported = [row | {"booked_at_source": "id_bound"} for row in (ended, out)]
    assert past(*exported)["hist_revenue_28"] == pytest.approx(160 + 1.5 * own)
    assert past(ended, out)["hist_revenue_28"] == pytest.approx(160 + 1.5 * 225)  # a price as booked is known


def test_lags_are_the_windows_one_after_the_other():
    row = past(
        trip("a", "2026-05-20T00:00", "2026-05-23T00:00", "2026-05-01T00:00"),
        trip("a", "2026-04-30T00:00", "2026-05-06T00:00", "2026-04-01T00:00"),  # cut at 4 May
        trip("a", "2026-02-09T00:00", "2026-02-10T00:00", "2026-02-01T00:00"),
    )
    assert [row[f"lag_{k}"] for k in (1, 2, 3, 4)] == [5, 4, 0, 1]
    assert row["lag_mean"] == 2.5
    assert row["lag_sd"] == pytest.approx((((2.5**2) + (1.5**2) * 2 + (2.5**2)) / 4) ** 0.5)


def test_the_window_52_weeks_ago():
    row = past(trip("a", "2025-06-20T00:00", "2025-07-01T00:00", "2025-05-01T00:00", trip_price=110.0))
    assert (row["lag_52w"], row["lag_52w_trips"]) == (10, 1)  # 2025-06-02 to 2025-06-30
    assert row["lag_52w_revenue"] == pytest.approx(100)


def test_lags_before_the_history_are_null():
    row = past(origin="2025-04-14")  # 101 days after the first trip end of the file
    assert [row[f"lag_{k}"] for k in (1, 2, 3, 4)] == [0, 0, 0, None]
    assert row["lag_52w"] is None
    assert row["lag_mean"] == 0
    assert past(origin="2026-01-05")["lag_52w"] == 0  # 364 days before is after 2025-01-03


def test_lags_before_the_listing_are_null():
    row = past(fleet=vehicles(("a", "2026-04-01", None)))
    assert [row[f"lag_{k}"] for k in (1, 2, 3, 4)] == [0, 0, None, None]
    assert row["tenure_days"] == 61


def test_own_price_and_length_of_trips_that_ended_before():
    row = past(
        trip(
            "a", "2026-05-01T00:00", "2026-05-05T00:00", "2026-04-01T00:00", trip_price=250.0, discounts=-10.0
        ),
        trip(
            "a", "2026-05-31T00:00", "2026-06-30T00:00", "2026-05-01T00:00", trip_price=9_000.0
        ),  # still out
    )
    assert row["base_price_day"] == pytest.approx((80 + 240) / (1 + 4))
    assert row["mean_trip_days"] == 2.5
    assert row["trips_ended"] == 2
    assert past()["days_since_return"] == (date(2026, 6, 1) - date(2025, 1, 3)).days


def test_a_trip_cancelled_after_its_start_is_history_until_then():
    row = trip("a", "2026-05-05T00:00", "2026-05-15T00:00", "2026-05-01T00:00", "guest_cancellation",
               cancelled_at="2026-05-12T00:00")  # fmt: skip
    assert past(row, origin="2026-05-11")["hist_days_28"] == 6
    assert past(row, origin="2026-05-11")["otb_days"] == 4
    assert past(row, origin="2026-05-18")["hist_days_28"] == 0
    assert past(row, origin="2026-05-18")["hist_cancels_91"] == 1


def test_a_row_booked_only_after_its_start_is_unknown_until_then():
    row = trip("a", "2026-05-05T00:00", "2026-05-08T00:00", "2026-05-13T00:00")
    assert past(row, origin="2026-05-11")["hist_days_28"] == 0
    assert past(row, origin="2026-05-18")["hist_days_28"] == 3


def test_cancellations_that_were_known():
    dated = trip("a", "2026-07-05T00:00", "2026-07-08T00:00", "2026-05-01T00:00", "guest_cancellation",
                 cancelled_at="2026-05-20T00:00")  # fmt: skip
    undated = trip("a", "2026-06-05T00:00", "2026-06-08T00:00", "2026-05-01T00:00", "host_cancellation")
    assert past(dated, undated)["hist_cancels_91"] == 1
    assert past(dated, undated, origin="2026-06-08")["hist_cancels_91"] == 2


def test_days_the_owner_kept_the_vehicle():
    blocks = pl.DataFrame(
        {
            "vehicle_id": ["a", "a", "zz"],
            "start": [datetime(2026, 5, 28), datetime(2026, 6, 10), datetime(2026, 6, 10)],
            "end": [datetime(2026, 6, 2), datetime(2026, 6, 13), datetime(2026, 6, 13)],
        }
    )
    undated = past(blocks=blocks)
    assert undated["own_days_28"] == 4
    assert "own_days_ahead" not in undated
    created = pl.Series([datetime(2026, 5, 1), datetime(2026, 6, 1), datetime(2026, 6, 9)])
    dated = blocks.with_columns(created_at=created)
    assert past(blocks=dated)["own_days_ahead"] == 1 + 3
    assert past(blocks=dated, origin="2026-05-25")["own_days_ahead"] == 5
