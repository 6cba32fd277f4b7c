"""What of the books may be lost, worked out by hand, and how right such a risk was."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from answer_facts import facts, fleet_tables
from tiny_fleet import Row, trip

from turo.data.tables import Tables
from turo.forecast.answers import at_risk
from turo.forecast.answers.gap_history.weekly_view import WEEKS
from turo.html.render import render

NOW = datetime(2026, 11, 23)
LEAD, DAY = timedelta(days=10), timedelta(days=1)


def past(count: int, cancelled: int, lead: timedelta = LEAD) -> list[Row]:
    """Bookings of one lead whose starts are over, some of them cancelled halfway, spread over the year."""
    rows = []
    for number in range(count):
        start = NOW - timedelta(days=3 + number)
        booked = start - lead
        gone = number * cancelled // count != (number + 1) * cancelled // count
        more = {"cancelled_at": booked + lead / 2 + DAY / 24} if gone else {}
        status = "guest_cancellation" if gone else "completed"
        end = (start + DAY / 2).isoformat()
        rows.append(trip(f"v{number % 7}", start.isoformat(), end, booked.isoformat(), status, **more))
    return rows


def coming(vehicle: str, days: int, price: float | None, age: float = 0, **more: object) -> Row:
    """A booking made `age` days ago, ten days before its start."""
    booked = NOW - timedelta(days=age)
    start = booked + LEAD
    end = (start + days * DAY).isoformat()
    return trip(vehicle, start.isoformat(), end, booked.isoformat(), "booked", trip_price=price, **more)


def tables(rows: list[Row]) -> Tables:
    return fleet_tables(rows, NOW.isoformat())


def test_days_and_money_count_by_the_chance_that_a_booking_is_cancelled() -> None:
    """A quarter of such bookings was cancelled; those that passed the sixth day of ten were all kept."""
    new = [coming("a", 4, 400.0), coming("a", 2, 100.0), coming("b", 8, 300.0, age=7)]
    answer = at_risk.answer(facts(tables([*past(200, 50), *new])))
    assert answer.rows["vehicle_id"].to_list() == ["a", "b"]
    first, second = answer.rows.to_dicts()
    assert (first["bookings"], first["days"], first["money"]) == (2, 6.0, 500.0)
    assert first["vehicle"] == "Kia Rio a"
    assert first["expected_cancellations"] == pytest.approx(0.5)
    assert first["expected_days_lost"] == pytest.approx(1.5)
    assert first["expected_money_lost"] == pytest.approx(125.0)
    assert second["expected_days_lost"] == pytest.approx(0.0, abs=1e-9)
    assert answer.view["total"]["money"] == 800.0
    assert not answer.missing
    page = render("answers/at_risk.html", answer=answer)
    assert "3 bookings have not begun, together 14 days worth 800." in page
    assert "to be cancelled" in page


def test_trips_that_run_and_cancelled_ones_are_not_at_risk() -> None:
    running = trip("a", "2026-11-22T10:00", "2026-11-29T10:00", "2026-11-01T10:00", "in_progress")
    gone = coming("b", 3, 90.0, age=2) | {"status": "guest_cancellation", "cancelled_at": NOW - DAY}
    answer = at_risk.answer(facts(tables([*past(40, 10), running, gone])))
    assert answer.rows.is_empty()
    assert "No booking is waiting to begin" in render("answers/at_risk.html", answer=answer)


def test_without_prices_money_is_absent_and_days_are_told() -> None:
    rows = [*past(200, 50), coming("a", 4, None), coming("b", 4, None), coming("b", 4, 80.0)]
    answer = at_risk.answer(facts(tables(rows)))
    found = {row["vehicle_id"]: row for row in answer.rows.to_dicts()}
    assert (found["a"]["money"], found["a"]["expected_money_lost"]) == (None, None)
    assert found["a"]["expected_days_lost"] == pytest.approx(1.0)
    assert found["b"]["money"] == 80.0
    assert any("2 of 3 bookings is not known" in text for text in answer.missing)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([*past(40, 0), coming("a", 4, 100.0)], "No reservation of these files is cancelled"),
        (
            [
                row | {"booked_at": None, "booked_at_source": "none"}
                for row in [*past(40, 10), coming("a", 4, 100.0)]
            ],
            "no booking dates",
        ),
    ],
)
def test_where_nothing_tells_the_risk_it_is_absent_not_nought(rows: list[Row], why: str) -> None:
    answer = at_risk.answer(facts(tables(rows)))
    (row,) = answer.rows.to_dicts()
    assert (row["bookings"], row["days"], row["money"]) == (1, 4.0, 100.0)
    assert (row["expected_days_lost"], row["expected_money_lost"]) == (None, None)
    assert any(why in text for text in answer.missing)
    page = render("answers/at_risk.html", answer=answer)
    assert "to be cancelled" not in page
    assert why in page


def test_cancellations_without_a_date_are_told() -> None:
    rows = [row | {"cancelled_at": None} for row in past(200, 50)]
    answer = at_risk.answer(facts(tables([*rows, coming("a", 4, 100.0)])))
    assert answer.rows["expected_days_lost"][0] == pytest.approx(1.0)
    assert any("have no date" in text for text in answer.missing)


def test_the_calibration_compares_what_was_said_with_what_came() -> None:
    booked = past(360, 90)
    answer = at_risk.calibration(facts(tables(booked)))
    rows = answer.rows
    assert rows["tenth"].to_list() == list(range(1, 11))
    assert rows["bookings"].max() - rows["bookings"].min() <= 1  # type: ignore[operator]
    assert rows["expected_cancelled"].is_sorted()
    looks = [NOW - timedelta(weeks=back) for back in range(1, WEEKS)]
    looked_at = [
        row["cancelled_at"] is not None
        for row in booked
        for look in looks
        if row["booked_at"] <= look < (row["cancelled_at"] or row["trip_start"])
    ]
    assert rows["bookings"].sum() == len(looked_at)
    assert (rows["bookings"] * rows["cancelled"]).sum() == pytest.approx(sum(looked_at))
    assert rows["cancelled"][-1] > 4 * rows["cancelled"][0]
    assert answer.view["off"] == pytest.approx((rows["cancelled"] - rows["expected_cancelled"]).abs().max())
    assert "How right were we: cancellations" in render("answers/at_risk_calibration.html", answer=answer)


@pytest.mark.parametrize("rows", [past(30, 10), past(360, 0)])
def test_too_few_bookings_are_not_judged(rows: list[Row]) -> None:
    answer = at_risk.calibration(facts(tables(rows)))
    assert answer.rows.is_empty()
    assert "can be told once" in render("answers/at_risk_calibration.html", answer=answer)
