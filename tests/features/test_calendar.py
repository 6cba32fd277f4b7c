"""Features of the dates of the window alone."""

from __future__ import annotations

import pytest
from tiny_fleet import at, build, trip

ROWS = [trip("a", "2026-01-10T00:00", "2026-01-14T00:00", "2026-01-07T00:00")]


@pytest.fixture(scope="module")
def table():
    return build(ROWS, "2026-07-20T00:00")


def test_holidays_in_the_window(table):
    june = at(
        table, "a", "2026-06-15"
    )  # to 13 July: Juneteenth (Friday), Independence Day and its observed Friday
    assert june["holidays"] == 3
    assert june["long_weekend"] == 1
    assert june["days_to_holiday"] == 4
    march = at(table, "a", "2026-03-02")
    assert (march["holidays"], march["long_weekend"]) == (0, 0)
    assert march["days_to_holiday"] == 84  # Memorial Day, 25 May


def test_season_weekends_and_trend(table):
    row = at(table, "a", "2026-06-15")  # middle on 29 June
    assert row["weekend_days"] == 8
    assert row["month_cos"] == pytest.approx(-0.9987, abs=1e-4)
    assert row["week_sin"] == pytest.approx(0.026, abs=0.02)
    assert at(table, "a", "2026-06-22")["year_trend"] - row["year_trend"] == pytest.approx(7 / 365.25)
