"""Profit, break-even use and payback count the same trips, days and money, each once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from costs_by_hand import A_DAY, Row, row, told, weekly
from facts_by_hand import MONDAY, section
from tiny_fleet import trip

UNPRICED = {"trip_price": None, "total_earnings": None}


def test_what_was_earned_before_the_purchase_is_in_no_profit(tmp_path: Path) -> None:
    answer = told(tmp_path, f"A,,2026-11-11,{A_DAY},0.5\n", weekly("A", [90.0] * 60), "car")
    for days in (28, 91, 365):
        a = row(answer, "A", days)
        # of the 12 days since: the trip of 17 Nov and two of the three days of that of 10 Nov
        assert a["profit"] == pytest.approx(350 - 0.5 * 150 - 12 * 10)
        assert a["break_even_use"] == pytest.approx(12 * 10 / (55 * 12))
    assert row(answer, "A")["price_day"] == 70.0
    assert answer.missing[-1] == (
        "1 vehicle has trips before the purchase_date in the past 365 days: its profit and break-even use "
        "count what was earned from that date on."
    )


@pytest.mark.parametrize("bought", ["2026-09-07", ""])
def test_earnings_and_costs_both_count_from_where_the_file_begins(tmp_path: Path, bought: str) -> None:
    answer = told(tmp_path, f"A,,{bought},{A_DAY},0\n", weekly("A", [90.0] * 4), "car")
    a = row(answer, "A", 365)  # the first trip ends on 30 October, 24 days before
    assert a["profit"] == pytest.approx(3 * 210 - 24 * 10)
    assert a["break_even_use"] == pytest.approx(10 / 70)
    assert row(answer, "A", 28)["profit"] == pytest.approx(3 * 210 - 24 * 10)
    assert not any("purchase_date in the past" in sentence for sentence in answer.missing)
    assert (
        "Profit and break-even use count from 2026-10-30 on, where the reservations begin." in answer.missing
    )


def test_nothing_is_said_of_a_profit_that_is_not_told(tmp_path: Path) -> None:
    unpriced = [each | UNPRICED for each in weekly("A", [90.0] * 60)]
    answer = told(tmp_path, f"A,,2026-06-01,{A_DAY},0.5\n", unpriced, "car")
    assert row(answer, "A")["profit"] is None
    assert not any("in profit" in sentence or "its profit" in sentence for sentence in answer.missing)


def test_overlapping_trips_count_once_in_profit_and_payback(tmp_path: Path) -> None:
    costs, once = f"A,10000,2025-11-24,{A_DAY},0.5\n", weekly("A", [90.0] * 60)
    a = row(told(tmp_path, costs, [*once, *once], "car"), "A")
    assert a["profit"] == pytest.approx(4 * 210 - 28 * 10 - 0.5 * 4 * 90)
    assert a["break_even_use"] == pytest.approx(10 / (70 - 0.5 * 30))
    assert (a["payback_from"], a["payback_to"]) == (MONDAY + timedelta(days=373),) * 2


def test_time_that_two_trips_have_counts_at_the_mean_of_both(tmp_path: Path) -> None:
    rows: list[Row] = [
        trip("A", "2026-06-01", "2026-06-02", "2026-05-01", distance=0.0),
        trip("A", "2026-11-01", "2026-11-05", "2026-10-01", trip_price=400.0, distance=400.0),
        trip("A", "2026-11-03", "2026-11-07", "2026-10-01", trip_price=80.0, distance=40.0),
    ]
    a = row(told(tmp_path, "A,,,0,0.1\n", rows, "car"), "A")
    assert a["price_day"] == pytest.approx((2 * 100 + 2 * 60 + 2 * 20) / 6)
    assert a["profit"] == pytest.approx(360 - 0.1 * (2 * 100 + 2 * 55 + 2 * 10))


def test_a_trip_without_a_price_counts_at_the_vehicles_own_in_payback_too(tmp_path: Path) -> None:
    rows = [each | (UNPRICED if week % 2 else {}) for week, each in enumerate(weekly("A", [90.0] * 60))]
    a = row(told(tmp_path, f"A,10000,2025-11-24,{A_DAY},0.5\n", rows, "car"), "A")
    assert a["profit"] == pytest.approx(4 * 210 - 28 * 10 - 0.5 * 4 * 90)
    # as with every price: 52 trips of 165 less 364 days of 10 are paid
    assert (a["payback_from"], a["payback_to"]) == (MONDAY + timedelta(days=373),) * 2
    soon = row(told(tmp_path, "A,330,2025-11-24,0,1\n", rows, "car"), "A")
    assert str(soon["payback_to"]) == "2025-12-15"


def test_the_report_says_where_chance_may_put_it_off_for_ever(tmp_path: Path) -> None:
    answer = told(tmp_path, f"A,10000,2025-11-24,{A_DAY},0.5\n", weekly("A", [90.0] * 60), "car")
    assert ">2027-12-01</td>" in section("league", answer)
    changing = [
        each | {"trip_price": 60.0 + 60 * (week % 3)} for week, each in enumerate(weekly("A", [0.0] * 60))
    ]
    answer = told(tmp_path, f"A,10000,2025-11-24,{A_DAY * 1.7},0\n", changing, "car")
    a = row(answer, "A")
    assert (a["payback_to"], a["payback_known"]) == (None, True)
    assert f">{a['payback_from']} or not within 50 years</td>" in section("league", answer)


def test_without_any_price_since_the_purchase_no_payback_is_told(tmp_path: Path) -> None:
    rows = [each | (UNPRICED if week < 7 else {}) for week, each in enumerate(weekly("A", [90.0] * 60))]
    a = row(told(tmp_path, "A,1000,2026-10-05,0,0.5\n", rows, "car"), "A")
    assert (a["profit"], a["payback_from"], a["payback_known"]) == (None, None, False)
