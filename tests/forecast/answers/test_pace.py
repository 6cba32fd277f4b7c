"""Pace: books of coming weeks against what is usual this long before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from facts_by_hand import MONDAY, facts, section, tables
from tiny_fleet import reservations, trip, vehicles

from turo.features.time import Floats, instant, weeks_until
from turo.forecast.answers import pace
from turo.forecast.answers.booking_pace.lead_books import WEEKS, LeadBooks, lead_books
from turo.forecast.answers.booking_pace.usual_books import Usual, usual_books
from turo.forecast.answers.listed_spans import listed_spans

OLD = trip("A", "2026-11-01T00:00", "2026-11-02T00:00", "2026-10-30T00:00")  # the file begins


def books(days: Floats) -> LeadBooks:
    """Of one group, the fleet, 10 vehicles; `days` are (Mondays, WEEKS)."""
    listed = np.full(days.shape, 70.0)
    return LeadBooks([""], weeks_until(instant(MONDAY), len(days)), days[None], listed[None])


def weekly_trips(count: int) -> list[dict[str, object]]:
    """Each week one trip of two days, booked three days before; the last starts the day after `MONDAY`."""
    last = datetime(2026, 11, 24)
    starts = [last - timedelta(weeks=week) for week in range(count)]
    return [
        trip("A", str(start), str(start + timedelta(days=2)), str(start - timedelta(days=3)))
        for start in starts
    ]


def test_books_count_from_the_booking_until_the_cancellation_by_week_class_and_monday() -> None:
    rows = [
        OLD,
        trip("A", "2026-11-25T00:00", "2026-12-01T12:00", "2026-11-12T00:00", "booked"),  # 5 days, then 1.5
        trip("B", "2026-12-02T00:00", "2026-12-04T00:00", "2026-11-20T00:00", "booked"),
        trip(
            "B",
            "2026-11-24T00:00",
            "2026-11-25T00:00",
            "2026-11-10T00:00",
            "guest_cancellation",
            cancelled_at="2026-11-17T00:00",
        ),
        trip(
            "B", "2026-12-08T00:00", "2026-12-09T00:00", "2026-11-23T08:00", "booked"
        ),  # booked after Monday
    ]
    lines = vehicles(("A", "2026-01-01", "car"), ("B", "2026-11-10", "suv"))
    source = tables(reservations(rows), lines)
    found = lead_books(source, listed_spans(source, []), instant(MONDAY), 9)
    assert found.names == ["", "car", "suv"]
    assert len(found.origins) == 4  # from 2026-11-02, when the first trip was over
    assert found.days[:, 3, :3].tolist() == [[5.0, 3.5, 0.0], [5.0, 1.5, 0.0], [0.0, 2.0, 0.0]]
    assert found.days[:, 2, :3].tolist() == [[0.0, 6.0, 1.5], [0.0, 5.0, 1.5], [0.0, 1.0, 0.0]]
    assert found.listed[:, 3, 0].tolist() == [14.0, 7.0, 7.0]
    assert found.listed[:, 1, 1].tolist() == [7.0, 7.0, 0.0]  # B was listed a day later


def test_a_vehicle_that_left_or_looks_gone_is_not_listed_any_more() -> None:
    lines = vehicles(("A", "2026-01-01", "car"), ("B", "2026-01-01", "car"), ("C", "2026-01-01", "car"))
    leaves = pl.when(pl.col("vehicle_id") == "B").then(date(2026, 11, 26))
    rows = [OLD, trip("C", "2026-11-03T00:00", "2026-11-05T00:00", "2026-11-01T00:00")]
    source = tables(reservations(rows), lines.with_columns(listed_to=leaves))
    found = lead_books(source, listed_spans(source, ["C"]), instant(MONDAY), 2)
    assert found.listed[0, 1, :2].tolist() == [10.0, 7.0]


def test_what_is_as_always_is_usual_and_two_days_more_are_ahead() -> None:
    days = np.tile(np.linspace(40, 4, WEEKS), (220, 1))
    days[-1, 2] += 2
    days[-1, 4] += 0.5
    days[-1, 5] -= 2
    found = books(days)
    rows = pace.pace_rows(found, usual_books(found))
    assert rows["usual"].to_list() == pytest.approx(np.linspace(40, 4, WEEKS))
    assert rows["ahead"].round(9).to_list() == [0, 0, 2, 0, 0.5, -2, *[0] * 7]
    assert rows["verdict"].to_list()[2:6] == ["ahead", "usual", "usual", "behind"]
    assert rows["week"].to_list()[:2] == [MONDAY, MONDAY + timedelta(weeks=1)]
    assert rows["last_year"].to_list() == pytest.approx(np.linspace(40, 4, WEEKS))


def test_the_season_of_last_year_is_expected_again() -> None:
    origin = np.arange(240)[:, None] + np.arange(WEEKS)  # the week that is booked for
    days = np.where((origin - 241) % 52 < 6, 20.0, 10.0)
    found = books(days)
    usual = usual_books(found)
    assert usual.seasoned
    assert usual.usual[0, 4:6] == pytest.approx(20.0)
    assert usual.usual[0, 10:] == pytest.approx(10.0)


def test_a_fleet_twice_as_large_is_expected_to_have_twice_the_books() -> None:
    found = books(np.full((220, WEEKS), 7.0))
    listed = found.listed.copy()
    listed[:, -1] *= 2
    assert usual_books(replace(found, listed=listed)).usual[0] == pytest.approx(14.0)


@pytest.mark.parametrize("mondays", [110, 220])
def test_chance_alone_is_rarely_told_as_ahead_or_behind(mondays: int) -> None:
    found = books(
        np.random.default_rng(1).poisson(np.linspace(40, 4, WEEKS), (mondays + 40, WEEKS)).astype(float)
    )
    verdicts = [
        pace.pace_rows(until, usual_books(until))["verdict"].is_in(["ahead", "behind"]).to_numpy().mean()
        for until in (found.until(mondays + place) for place in range(40))
    ]
    assert 0.005 < np.mean(verdicts) <= 0.10


def test_a_past_below_a_year_has_no_verdict_and_says_so(tmp_path: Path) -> None:
    told = pace.answer(facts(tables(reservations(weekly_trips(20))), tmp_path))
    assert set(told.rows["verdict"]) == {"unknown"}
    assert told.rows["on_books"][0] == 2.0
    assert told.rows["last_year"].null_count() == WEEKS
    assert "must go back 65 weeks" in told.missing[0]
    assert "cannot be told from these files" in section("pace", told)


def test_a_year_and_more_without_the_season_says_so(tmp_path: Path) -> None:
    told = pace.answer(facts(tables(reservations(weekly_trips(80))), tmp_path))
    assert set(told.rows["verdict"]) == {"usual"}
    assert any("too short to tell the season" in sentence for sentence in told.missing)
    assert "All weeks are as far as they usually are" in section("pace", told)


def test_without_booking_dates_there_is_no_pace(tmp_path: Path) -> None:
    rows = [row | {"booked_at": None, "booked_at_source": "none"} for row in weekly_trips(80)]
    told = pace.answer(facts(tables(reservations(rows)), tmp_path))
    assert set(told.rows["verdict"]) == {"unknown"}
    assert told.rows["usual"].null_count() == WEEKS
    assert "booked_at would help" in told.missing[0]


def test_without_booking_dates_the_books_are_the_calendar_of_the_snapshot(tmp_path: Path) -> None:
    """Trips of coming weeks are in it, though not known at the Monday; cancelled ones are not."""
    ahead = [
        trip("A", "2026-12-01T00:00", "2026-12-04T00:00", "2026-11-01T00:00", "booked"),
        trip("A", "2026-12-12T00:00", "2026-12-16T00:00", "2026-11-01T00:00", "booked"),
        trip("A", "2026-12-08T00:00", "2026-12-10T00:00", "2026-11-01T00:00", "guest_cancellation"),
    ]
    rows = [row | {"booked_at": None, "booked_at_source": "none"} for row in [*weekly_trips(80), *ahead]]
    told = pace.answer(facts(tables(reservations(rows)), tmp_path))
    assert told.rows["on_books"].to_list()[:5] == [2.0, 3.0, 2.0, 2.0, 0.0]
    assert told.rows["last_year"].null_count() == WEEKS
    page = section("pace", told)
    assert "Days booked as the calendar stands on 24 Nov 2026, 00:00" in page
    assert told.missing == [told.missing[0]]


def verdicts(ahead: Floats, low: Floats, high: Floats) -> list[str]:
    """Of weeks with 20 usual days that are off by `ahead`."""
    nothing = np.full((1, WEEKS), 20.0)
    off = np.zeros(WEEKS)
    off[: len(ahead)] = ahead
    low, high = (np.resize(values, (1, WEEKS)) for values in (low, high))
    found = books(np.tile(20.0 + off, (2, 1)))
    return pace.pace_rows(found, Usual(nothing, low, high, nothing, True))["verdict"].to_list()[: len(ahead)]


def test_no_verdict_lies_inside_the_range_as_it_is_told() -> None:
    ahead = np.array([-4.4, -4.6, 11.4, 11.6])  # told as -4, -5, +11, +12; the range as -4 to +11
    assert verdicts(ahead, np.array([-3.6]), np.array([11.3])) == ["usual", "behind", "usual", "ahead"]


@pytest.mark.parametrize(("suv", "car", "judged"), [(5, 1, True), (4, 1, False), (5, 0, False)])
def test_a_small_class_and_one_that_is_the_fleet_have_no_verdict(
    tmp_path: Path, suv: int, car: int, judged: bool
) -> None:
    names = "ABCDEF"[: suv + car]
    lines = vehicles(
        *((name, "2020-01-01", "suv" if place < suv else "car") for place, name in enumerate(names))
    )
    told = pace.answer(facts(tables(reservations(weekly_trips(80)), lines), tmp_path))
    assert set(told.rows.filter(name="suv")["verdict"]) == {"usual" if judged else "unknown"}
    assert set(told.rows.filter(level="fleet")["verdict"]) == {"usual"}
    looks = 26 if judged else 13
    assert f"Of {looks} looks (weeks of the fleet and of its classes) about 1 falls outside" in section(
        "pace", told
    )
    silent = {(5, 1): "1 class has", (4, 1): "2 classes have", (5, 0): "1 class has"}[suv, car]
    assert any(f"{silent} no verdict" in sentence for sentence in told.missing)


@pytest.mark.parametrize(
    ("ahead", "behind", "words"),
    [
        (2, 0, "2 weeks are ahead of usual; in the others"),
        (0, 1, "1 week is behind usual; in the others"),
        (1, 2, "1 week is ahead of usual and 2 behind; in the others"),
    ],
)
def test_what_is_not_there_is_not_counted_in_the_sentence(
    tmp_path: Path, ahead: int, behind: int, words: str
) -> None:
    told = pace.answer(facts(tables(reservations(weekly_trips(80))), tmp_path))
    page = section("pace", replace(told, view={**told.view, "ahead": ahead, "behind": behind}))
    assert words in page


def test_classes_have_their_own_pace_and_their_names_are_escaped(tmp_path: Path) -> None:
    rows = weekly_trips(230)
    extra = trip("A", "2026-11-27T00:00", "2026-11-29T00:00", "2026-11-20T00:00", "booked")
    others = [(name, "2020-01-01", "<b>suv" if name < "F" else "car") for name in "ABCDEF"]
    source = tables(reservations([*rows, extra]), vehicles(*others))
    told = pace.answer(facts(source, tmp_path))
    assert told.rows.columns == list(pace.COLUMNS)
    assert told.rows.group_by("level").len().sort("level").rows() == [("class", 26), ("fleet", 13)]
    first = told.rows.filter(name="<b>suv")[0].to_dicts()[0]
    assert (first["name"], first["on_books"], first["verdict"]) == ("<b>suv", 4.0, "ahead")
    assert first["usual"] == pytest.approx(2.0)
    page = section("pace", told)
    assert "&lt;b&gt;suv" in page
    assert "<b>2 days ahead</b>" in page
