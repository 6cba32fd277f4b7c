"""Days by week as the calendar shows them."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
from hand_fleet import ORIGIN

from turo.forecast.forecast_columns import Types
from turo.forecast.occupied_days import taken_days
from turo.forecast.report.booked_weeks import booked_weeks


def intervals(*rows: tuple[str, datetime, datetime]) -> pl.DataFrame:
    types: Types = {"vehicle_id": pl.String, "start": pl.Datetime("us"), "end": pl.Datetime("us")}
    return pl.DataFrame(rows, schema=types, orient="row")


def test_overlaps_count_once_and_windows_cut_trips() -> None:
    taken = intervals(
        ("A", datetime(2026, 11, 20), datetime(2026, 11, 24)),  # two days before, one inside
        ("A", datetime(2026, 11, 23, 12), datetime(2026, 11, 25)),  # half a day of it is covered already
        ("A", datetime(2026, 11, 29), datetime(2026, 12, 10)),  # one day, a week, three days past the end
        ("B", datetime(2026, 11, 26, 6), datetime(2026, 11, 26, 18)),
        ("Z", datetime(2026, 11, 26), datetime(2026, 11, 28)),  # not asked for
    )
    days = taken_days(taken, ["A", "B", "C"], date(2026, 11, 23), 2)
    assert days.tolist() == [[3.0, 7.0], [0.5, 0.0], [0.0, 0.0]]


def test_booked_weeks_leave_out_cancelled_trips_and_look_back_a_year() -> None:
    rows = [
        ("A", "booked", datetime(2026, 11, 24), datetime(2026, 11, 26)),
        ("A", "guest_cancellation", datetime(2026, 11, 26), datetime(2026, 11, 28)),
        ("B", "completed", datetime(2026, 11, 16), datetime(2026, 11, 17)),
        ("B", "completed", datetime(2025, 11, 24), datetime(2025, 11, 27)),  # 52 weeks before the first week
    ]
    reservations = pl.DataFrame(rows, schema=["vehicle_id", "status", "trip_start", "trip_end"], orient="row")
    seen = booked_weeks(reservations, ["A"], ORIGIN)
    assert seen.by_vehicle[0, :2].tolist() == [2.0, 0.0]
    assert (seen.coming[0], seen.past[-1], seen.coming_year_ago[0]) == (2.0, 1.0, 3.0)
    assert seen.weeks[0] == ORIGIN
