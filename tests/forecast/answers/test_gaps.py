"""Open gaps of a fleet, worked out by hand: where they lie, how often their like was filled, what lacks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from answer_facts import blocked, facts, fleet_tables
from tiny_fleet import Row, trip

from turo.forecast.answers import gaps
from turo.forecast.answers.answer import Answer
from turo.forecast.answers.gap_history.gaps_now import COLUMNS
from turo.forecast.answers.gap_history.service_slots import with_service_slots
from turo.html.render import render

NOW = "2026-11-23T00:00"  # a Monday
MONDAY, WEEK = datetime.fromisoformat(NOW), timedelta(weeks=1)
BEFORE = trip("a", "2026-11-01T10:00", "2026-11-20T10:00", "2026-10-01T10:00")


def booked(vehicle: str, start: str, end: str) -> Row:
    return trip(vehicle, f"2026-{start}", f"2026-{end}", "2026-11-01T09:00", "booked")


def told(rows: list[Row], **more: Any) -> Answer:
    return gaps.answer(facts(fleet_tables(rows, NOW, **more)))


def shape(answer: Answer) -> list[tuple[str, str, float, str, str]]:
    """start, end, days, after, before of every gap."""
    found = answer.rows.select("start", "end", "days", "after", "before").rows()
    return [
        (f"{start:%m-%d %H}", f"{end:%m-%d %H}", days, after, before)
        for start, end, days, after, before in found
    ]


def test_gaps_lie_between_trips_blocks_the_snapshot_and_the_end_of_the_weeks() -> None:
    rows = [BEFORE, booked("a", "11-25T12:00", "11-27T00:00"), booked("a", "12-05T00:00", "12-08T00:00")]
    keep = blocked(("a", "2026-11-30T00:00", "2026-12-02T00:00", "2026-11-01T00:00"))
    assert shape(told(rows, blocks=keep)) == [
        ("11-23 00", "11-25 12", 2.5, "snapshot", "trip"),
        ("11-27 00", "11-30 00", 3.0, "trip", "block"),
        ("12-02 00", "12-05 00", 3.0, "block", "trip"),
        ("12-08 00", "12-21 00", 13.0, "trip", "open"),
    ]


def test_a_trip_that_runs_is_what_lies_before() -> None:
    running = trip("a", "2026-11-20T12:00", "2026-11-24T00:00", "2026-11-01T09:00", "in_progress")
    assert shape(told([BEFORE, running]))[0] == ("11-24 00", "12-21 00", 27.0, "trip", "open")


def test_a_vehicle_id_with_markup_is_text() -> None:
    odd = "<b>&a"
    rows = [row | {"vehicle_id": odd} for row in (BEFORE, booked("a", "11-25T12:00", "12-30T00:00"))]
    page = render("answers/gaps.html", answer=told(rows))
    assert "Kia Rio &lt;b&gt;&amp;a" in page
    assert odd not in page


def test_what_was_cancelled_is_open_and_less_than_a_day_is_no_gap() -> None:
    gone = booked("a", "11-25T00:00", "11-30T00:00") | {
        "status": "guest_cancellation",
        "cancelled_at": datetime(2026, 11, 10),
    }
    rows = [
        BEFORE,
        gone,
        booked("a", "11-30T00:00", "12-02T00:00"),
        booked("a", "12-02T20:00", "12-30T00:00"),
    ]
    assert shape(told(rows)) == [("11-23 00", "11-30 00", 7.0, "snapshot", "trip")]


def test_the_end_of_a_listing_ends_the_gap() -> None:
    tables = told([BEFORE], listed_to=datetime(2026, 11, 28).date())
    assert shape(tables) == [("11-23 00", "11-28 00", 5.0, "snapshot", "listing")]


def test_a_vehicle_that_looks_gone_has_no_gap_to_fill() -> None:
    rows = [BEFORE, trip("b", "2026-11-01T10:00", "2026-11-20T10:00", "2026-10-01T10:00")]
    answer = gaps.answer(facts(fleet_tables(rows, NOW), "b"))
    assert answer.rows["vehicle_id"].to_list() == ["a"]


@pytest.mark.parametrize(("least", "fits"), [(2.0, True), (2.5, True), (3.0, False), (None, True)])
def test_the_shortest_trip_fits_or_not(least: float | None, fits: bool) -> None:
    answer = told([BEFORE, booked("a", "11-25T12:00", "12-30T00:00")], min_trip_days=least)
    assert answer.rows.select("fits", "min_trip_days").row(0) == (fits, least)


def weekly(weeks: int, filled: int, ahead: int = 5) -> list[Row]:
    """Thursday to Monday is booked long before; Monday to Thursday on Monday at one, in some weeks of two.

    Args:
        filled: how many of the weeks, the newest ones, had Monday to Thursday booked.
        ahead: weeks to come that are booked from Thursday on.
    """
    rows = []
    for week in range(-weeks, ahead):
        monday = MONDAY + week * WEEK
        thursday, early = monday + timedelta(days=3), monday - timedelta(days=60)
        rows.append(trip("a", thursday.isoformat(), (monday + WEEK).isoformat(), early.isoformat()))
        if -filled <= week < 0:
            hour = (monday + timedelta(hours=1)).isoformat()
            rows.append(trip("a", hour, thursday.isoformat(), hour))
    return rows


def test_the_chance_is_the_share_of_equal_gaps_at_equal_lead_that_were_filled() -> None:
    """Four weeks must be over before what came of a look is known: the newest filled weeks do not count."""
    rows = told(weekly(80, filled=30)).rows
    assert rows["days"].to_list() == [3.0, 3.0, 3.0, 3.0]
    first, *later = rows.to_dicts()
    assert first["cases"] == 52
    assert first["chance"] == pytest.approx((30 - 4 + 1) / 52)  # the look four weeks ago is over today
    assert first["any_booking"] == first["chance"]
    empty = 1 - first["chance"] + first["chance"] * (1 / 24) / 3  # an hour stays open
    assert first["stranded_days"] == pytest.approx(3 * empty)
    assert [row["cases"] for row in later] == [52, 52, 52]
    assert later[0]["chance"] == pytest.approx((30 - 3 + 1) / 52)  # a week ahead: one more Monday is known


def test_a_booking_made_later_is_not_known_at_the_look() -> None:
    """Were it, the filled weeks would have had no gap to count."""
    assert told(weekly(80, filled=80)).rows["chance"].to_list() == [1.0] * 4


def test_a_part_that_is_left_for_the_shortest_trip_is_not_filled() -> None:
    rows = weekly(80, filled=0)
    for week in range(-70, 0):
        monday = MONDAY + week * WEEK
        end = (monday + timedelta(days=2)).isoformat()  # of three days, one stays
        rows.append(
            trip(
                "a", (monday + timedelta(hours=1)).isoformat(), end, (monday + timedelta(hours=1)).isoformat()
            )
        )
    first = told(rows).rows.to_dicts()[0]
    assert (first["chance"], first["any_booking"]) == (0.0, 1.0)
    assert first["stranded_days"] == pytest.approx(1 + 1 / 24)
    assert told(rows, min_trip_days=1.5).rows["chance"][0] == 1.0


def test_gaps_that_the_owner_took_are_no_cases() -> None:
    days = [MONDAY - back * WEEK for back in range(5, 35)]
    keep = blocked(
        *(("a", str(day), str(day + timedelta(days=3)), str(day + timedelta(minutes=5))) for day in days)
    )
    assert told(weekly(80, filled=0), blocks=keep).rows["cases"][0] == 52 - 30


def test_under_twenty_cases_no_chance_is_told_but_their_number_is() -> None:
    few, enough = told(weekly(22, filled=10)), told(weekly(23, filled=10))
    first = few.rows.to_dicts()[0]
    assert [first[name] for name in ("cases", "chance", "any_booking", "stranded_days")] == [
        19,
        None,
        None,
        None,
    ]
    assert enough.rows["cases"][0] == 20
    assert enough.rows["chance"][0] is not None
    assert "too few cases" in render("answers/gaps.html", answer=few)


def gap(vehicle: str, start: str, end: str, any_booking: float | None, fits: bool = True) -> Row:
    first, last = (datetime.fromisoformat(f"2026-{each}") for each in (start, end))
    days = (last - first) / timedelta(days=1)
    return {"vehicle_id": vehicle, "start": first, "end": last, "days": days} | {
        "any_booking": any_booking,
        "fits": fits,
    }


def slots(*rows: Row) -> list[tuple[str, str] | None]:
    """Of each gap the first and last day for service; the snapshot is noon of 23 November."""
    found = with_service_slots(pl.DataFrame(list(rows)), MONDAY + timedelta(hours=12))
    assert found["service_slot"].to_list() == found["slot_start"].is_not_null().to_list()
    pairs = found.select("slot_start", "slot_end").rows()
    return [first and (f"{first:%m-%d}", f"{last:%m-%d}") for first, last in pairs]


def test_service_goes_into_the_gap_least_likely_to_get_a_booking() -> None:
    assert slots(
        gap("a", "11-23T12:00", "12-20T00:00", 0.9),  # long: it will sell
        gap("a", "11-25T09:00", "11-28T10:00", 0.2),
        gap("a", "12-01T00:00", "12-03T00:00", None),  # nobody knows
        gap("b", "11-25T00:00", "12-05T00:00", 0.302),
        gap("b", "12-10T00:00", "12-14T00:00", 0.304),  # equal in whole per cent: the shorter
        gap("c", "11-25T00:00", "12-05T00:00", 0.01),
        gap("c", "12-10T00:00", "12-13T00:00", None, fits=False),  # nobody can book it
        gap("d", "11-25T00:00", "12-05T00:00", None),
    ) == [None, ("11-26", "11-27"), None, None, ("12-10", "12-11"), None, ("12-10", "12-11"), None]


@pytest.mark.parametrize(
    ("start", "end", "slot"),
    [
        ("11-23T12:00", "11-26T00:00", ("11-24", "11-25")),  # from the day after the snapshot
        ("11-23T12:00", "11-25T23:00", None),
        ("11-25T00:00", "11-27T00:00", ("11-25", "11-26")),
        ("11-25T00:01", "11-27T23:59", None),  # almost three days, of which one is whole
        ("11-25T00:01", "11-28T00:00", ("11-26", "11-27")),
    ],
)
def test_service_needs_two_whole_days_from_tomorrow_on(
    start: str, end: str, slot: tuple[str, str] | None
) -> None:
    assert slots(gap("a", start, end, 0.1)) == [slot]


def test_the_page_tells_the_days_for_service_and_the_file_has_them() -> None:
    answer = told(weekly(80, filled=30))
    chosen = answer.rows.filter("service_slot").to_dicts()
    # the first of four gaps was filled least often; its three days are Monday, the snapshot's, to Wednesday
    assert [str(row["slot_start"]) for row in chosen] == ["2026-11-24"]
    assert [str(row["slot_end"]) for row in chosen] == ["2026-11-25"]
    page = render("answers/gaps.html", answer=answer)
    assert "For service 2 days of each vehicle are proposed" in page
    assert "24 Nov to 25 Nov" in page


def test_without_booking_dates_gaps_are_those_of_the_calendar_and_no_chance_is_told() -> None:
    rows = [row | {"booked_at": None, "booked_at_source": "none"} for row in weekly(80, filled=30)]
    answer = told(rows)
    assert answer.rows["days"].to_list() == [3.0] * 4
    assert answer.rows["chance"].null_count() == 4
    assert any("no booking dates" in text for text in answer.missing)
    page = render("answers/gaps.html", answer=answer)
    assert "0 weeks" not in page
    assert "service" not in page.replace("<th>Service</th>", "")


def test_some_missing_dates_and_undated_cancellations_are_told() -> None:
    rows = weekly(30, filled=10)
    rows[0] |= {"booked_at": None, "booked_at_source": "none"}
    rows[5] |= {"status": "guest_cancellation"}
    missing = " ".join(told(rows).missing)
    assert "1 of 45 reservations has no booking date" in missing
    assert "Some cancellations have no date" in missing
    assert "no blocks.csv" in missing
    assert "min_trip_days" in missing


def test_a_full_fleet_has_no_gap() -> None:
    answer = told([BEFORE, booked("a", "11-20T12:00", "12-30T00:00")])
    assert answer.rows.is_empty()
    assert answer.rows.columns == list(COLUMNS)
    assert "No vehicle has an open gap" in render("answers/gaps.html", answer=answer)


def test_turn_arounds_that_are_too_tight_are_listed_tightest_first() -> None:
    rows = [
        BEFORE,
        booked("a", "11-24T10:00", "11-25T10:00"),
        booked("a", "11-25T13:30", "11-26T10:00"),  # three and a half hours
        booked("a", "11-26T14:00", "11-28T10:00"),  # four: enough
        booked("a", "11-28T10:00", "11-30T10:00"),  # at once
        booked("b", "12-30T10:00", "12-31T10:00"),  # after the four weeks
        booked("b", "12-31T11:00", "12-31T20:00"),
    ]
    answer = gaps.turnarounds(facts(fleet_tables(rows, NOW)))
    assert answer.rows.select("vehicle_id", "hours").rows() == [("a", 0.0), ("a", 3.5)]
    assert answer.rows["next_pickup"][1] == datetime(2026, 11, 25, 13, 30)
    assert "2 turn-arounds of the next 28 days leave less than 4 hours" in render(
        "answers/turnarounds.html", answer=answer
    )


def test_no_turn_around_is_too_tight() -> None:
    answer = gaps.turnarounds(facts(fleet_tables([BEFORE], NOW)))
    assert answer.rows.is_empty()
    page = render("answers/turnarounds.html", answer=answer)
    assert "No turn-around tighter than 4 hours was found in the next 28 days." in page
    assert "<table>" not in page


def test_bookings_that_overlap_are_double_booked_and_come_first() -> None:
    rows = [
        BEFORE,
        booked("a", "11-24T10:00", "11-26T10:00"),
        booked("a", "11-26T12:00", "11-27T10:00"),  # two hours
        booked("a", "12-01T10:00", "12-06T10:00"),
        booked("a", "12-02T10:00", "12-03T10:00"),  # inside of it
        booked("a", "12-06T08:00", "12-08T10:00"),  # two hours before it ends
        trip("b", "2026-11-20T10:00", "2026-11-25T10:00", "2026-11-01T10:00", "in_progress"),
        trip("b", "2026-11-22T10:00", "2026-11-24T10:00", "2026-11-01T10:00", "in_progress"),
    ]
    answer = gaps.turnarounds(facts(fleet_tables(rows, NOW)))
    found = answer.rows.select("vehicle_id", "hours").rows()
    assert found == [("a", -96.0), ("b", -72.0), ("a", -2.0), ("a", 2.0)]
    page = render("answers/turnarounds.html", answer=answer)
    assert "3 pickups of the next 28 days lie before the return of an earlier booking" in page
    assert page.count("<b>double booked</b>") == 3
    assert "1 turn-around of the next 28 days leaves less than 4 hours" in page


@pytest.mark.parametrize(
    ("returned", "pickup", "hours"),
    [
        ("11-22T21:00", "11-23T00:30", [3.5]),  # three hours before the snapshot
        ("11-22T20:00", "11-23T00:00", []),  # four hours lie between
        ("11-22T21:00", "11-22T23:00", []),  # picked up before the snapshot
    ],
)
def test_a_return_just_before_the_snapshot_may_be_too_tight(
    returned: str, pickup: str, hours: list[float]
) -> None:
    over = trip("a", "2026-11-21T10:00", f"2026-{returned}", "2026-11-01T10:00")
    answer = gaps.turnarounds(facts(fleet_tables([BEFORE, over, booked("a", pickup, "11-26T10:00")], NOW)))
    assert answer.rows["hours"].to_list() == hours
