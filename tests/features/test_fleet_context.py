"""Context of the other vehicles, by hand, at T = 2026-03-02."""

from __future__ import annotations

import pytest
from tiny_fleet import at, build, trip, vehicles

FLEET = vehicles(
    ("a", "2025-12-01", "car"),
    ("b", "2025-12-01", "car"),
    ("c", "2025-12-01", "suv"),
    ("d", "2026-06-01", "car"),
)
ROWS = [
    trip("a", "2026-02-10T00:00", "2026-02-17T00:00", "2025-12-20T00:00", trip_price=700.0),
    trip("b", "2026-02-20T00:00", "2026-03-06T00:00", "2026-02-01T00:00", trip_price=280.0),
    trip("b", "2025-12-20T00:00", "2025-12-24T00:00", "2025-12-10T00:00", trip_price=200.0),
    trip("c", "2026-03-20T00:00", "2026-03-27T00:00", "2026-02-25T00:00"),
    trip("c", "2026-02-05T00:00", "2026-02-07T00:00", "2026-01-25T00:00"),
]


@pytest.fixture(scope="module")
def table():
    return build(ROWS, "2026-07-01T00:00", fleet=FLEET)


def test_utilization_of_the_others(table):
    row = at(table, "a", "2026-03-02")
    assert row["fleet_active"] == 2  # d is not yet listed
    assert row["fleet_util_28"] == pytest.approx((10 + 2) / 2 / 28)
    assert row["class_util_28"] == pytest.approx(10 / 28)
    assert at(table, "b", "2026-03-02")["class_util_28"] == pytest.approx(7 / 28)
    assert at(table, "c", "2026-03-02")["class_util_28"] is None  # no other suv


def test_share_on_the_books_of_the_others(table):
    assert at(table, "a", "2026-03-02")["fleet_otb_share"] == pytest.approx((4 + 7) / 2 / 28)
    assert at(table, "c", "2026-03-02")["fleet_otb_share"] == pytest.approx(4 / 2 / 28)


def test_pickup_of_the_windows_that_are_over(table):
    # The window of 2026-02-02 is over on 2026-03-02. On the books then: 7, 10 and 2 days; all came.
    # The window of 2026-01-26: nothing of b was known, it got 3 days of it; c was known on 25 January.
    assert at(table, "a", "2026-03-02")["fleet_pickup"] == 0
    assert at(table, "a", "2026-02-23")["fleet_pickup"] == pytest.approx(3 / 2)
    assert at(table, "b", "2026-02-23")["fleet_pickup"] == 0
    assert at(table, "b", "2026-02-23")["past_pickup"] == 1.5  # and nothing in the window before


def test_price_beside_the_class(table):
    assert at(table, "a", "2026-03-02")["price_ratio_class"] == pytest.approx(100 / 50)
    assert at(table, "a", "2026-03-09")["price_ratio_class"] == pytest.approx(100 / (480 / 18))
    assert at(table, "c", "2026-03-02")["price_ratio_class"] is None


def test_a_fleet_of_one_has_no_context():
    row = at(build(ROWS[:1], "2026-07-01T00:00"), "a", "2026-03-02")
    assert row["fleet_active"] == 0
    assert (row["fleet_util_28"], row["fleet_otb_share"], row["fleet_pickup"]) == (None, None, None)
