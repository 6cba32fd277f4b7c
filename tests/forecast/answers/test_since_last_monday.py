"""What changed since last Monday, through `forecast_fleet`: the file beside the report, and the page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, write_table
from hypothesis import given
from hypothesis import strategies as st

from turo.data.load import load_tables
from turo.forecast.answers.monday.then_and_now import as_it_looks
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.live.error_split import Usual, split
from turo.forecast.output.store import append_history
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)
NEW = "9,C,2026-12-01T00:00,2026-12-04T00:00,booked,2026-11-18T09:00,,120,0\n"
LOST = "10,A,2026-12-20T00:00,2026-12-22T00:00,guest_cancellation,2026-11-01T09:00,2026-11-19T10:00,80,-10\n"


def add(settings: Settings, lines: str) -> None:
    with (Path(settings.data_dir) / "reservations.csv").open("a") as file:
        file.write(lines)


def rows(settings: Settings) -> dict[str, dict[str, Any]]:
    table = pl.read_csv(
        Path(settings.data_dir) / "report" / "since_last_monday.csv", infer_schema_length=None
    )
    return {row["vehicle_id"]: row for row in table.iter_rows(named=True)}


def section(settings: Settings) -> str:
    page = (Path(settings.data_dir) / "report.html").read_text()
    found = page.split('id="since_last_monday"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", found))


def test_bookings_and_cancellations_of_the_week_by_vehicle(settings: Settings) -> None:
    add(settings, NEW + LOST)
    forecast_fleet(settings, [make_champion(28)], NOW)
    found = rows(settings)
    c, a = found["C"], found["A"]
    assert (c["new_bookings"], c["days_won"], c["money_won"], c["cancellations"]) == (1, 3.0, 120.0, 0)
    assert (a["new_bookings"], a["cancellations"], a["days_lost"], a["money_lost"]) == (0, 1, 2.0, 70.0)
    assert "1 new booking, 3 days won at 120; 1 cancellation, 2 days lost at 70." in section(settings)


def test_what_was_booked_on_monday_before_midnight_is_not_of_the_week(settings: Settings) -> None:
    add(settings, NEW.replace("2026-11-18T09:00", "2026-11-23T00:01"))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert rows(settings)["C"]["new_bookings"] == 0


def test_the_same_days_as_todays_model_saw_them_then_and_sees_them_now(settings: Settings) -> None:
    add(settings, NEW)
    forecast_fleet(settings, [make_champion(28)], NOW)
    found = rows(settings)
    # Three quarters of the 28 days that 2.5 more days are expected of still lie in last Monday's window.
    assert (found["A"]["expected_then"], found["A"]["expected_now"]) == (10.0, 7.5 + 1.875)
    assert (found["B"]["expected_then"], found["B"]["expected_now"]) == (28.0, 21.0)  # not more than is left
    assert (found["C"]["expected_then"], found["C"]["expected_now"]) == (2.5, 3 + 1.875)
    assert list(found)[:3] == ["B", "C", "A"]  # the biggest mover first
    told = section(settings)
    assert "28 days from 16 Nov to 13 Dec moved by \N{MINUS SIGN}5.2 days: 40.5 as today's model" in told
    assert "No forecast was kept on 2026-11-16" in told
    assert "8 are needed" in told


def test_a_forecast_that_was_kept_is_what_was_said_then(settings: Settings) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    last = made.with_columns(
        origin_date=pl.lit(ORIGIN - timedelta(weeks=1)),
        mean=pl.lit(6.0),
        created_at=pl.col("created_at") - timedelta(weeks=1),
    )
    append_history(last, Path(settings.data_dir))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert rows(settings)["A"]["expected_then"] == 6.0
    assert "as XGBoost version 3 said then" in section(settings)


def test_a_table_without_last_monday_says_from_when_on(settings: Settings) -> None:
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "how far the forecast moved is told from 2026-11-30 on" in section(settings)
    assert rows(settings)["A"]["moved"] is None


def test_the_parts_of_the_move_add_up(settings: Settings) -> None:
    weeks = [date(2026, 2, 2) + timedelta(weeks=week) for week in range(30)]
    add(
        settings,
        "".join(
            f"{100 + number},C,{day}T00:00,{day + timedelta(days=3)}T00:00,completed,"
            f"{day - timedelta(days=10)}T09:00,,120,0\n"
            for number, day in enumerate(weeks)
        ),
    )
    forecast_fleet(settings, [make_champion(28)], NOW)
    signed = r"([+\N{MINUS SIGN}]?[\d.]+)"
    told = re.search(
        rf"moved by {signed} days.*?Of that: .*?expected {signed} \(volume\), guests .*?usual {signed} "
        rf"\(lead time\), .*?cancellations than usual {signed}\.",
        section(settings),
    )
    assert told
    moved, *parts = (float(one.replace("\N{MINUS SIGN}", "-")) for one in told.groups())
    assert sum(parts) == pytest.approx(moved, abs=0.21)
    assert parts[2] == 0.0  # nothing was ever cancelled in these windows, and nothing was this week


def test_last_mondays_forecast_of_the_week_is_scored(settings: Settings) -> None:
    folder, last = Path(settings.data_dir), ORIGIN - timedelta(weeks=1)
    made = forecast_fleet(settings, [make_ranged_champion(7), make_ranged_champion(28)], NOW)
    append_history(made.forecasts.filter(horizon_days=7).with_columns(origin_date=pl.lit(last)), folder)
    write_table(folder / "horizon-7", pl.concat([prepared(last, 7, 1.0), prepared(ORIGIN, 7)]))
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    assert re.search(
        r"for the 7 days from 16 November \d+ booked days were forecast.*?; 3 came, \d+ (fewer|more)",
        section(settings),
    )


def test_without_booking_dates_new_bookings_are_not_known_and_not_zero(settings: Settings) -> None:
    path = Path(settings.data_dir) / "reservations.csv"
    pl.read_csv(path, infer_schema=False).drop("booked_at", "cancelled_at", "trip_price").write_csv(path)
    forecast_fleet(settings, [make_champion(28)], NOW)
    a, told = rows(settings)["A"], section(settings)
    assert (a["new_bookings"], a["days_won"], a["money_won"], a["cancellations"]) == (None,) * 4
    assert "new bookings not known; cancellations not known" in told
    assert "booked_at would tell them" in told
    assert "Of 1 cancelled trip 1 is without a date" in told
    assert "trip_price brings it" in told


days = st.floats(0, 500)
share = st.floats(0, 0.9)


@hypothesis.settings(deadline=None)
@given(days, days, days, days, share, share, share)
def test_parts_add_up_whatever_is_usual(
    then: float, books: float, still: float, now: float, early: float, lost: float, week: float
) -> None:
    seen = as_it_looks(books, min(still, books), now, lost, week)
    parts = split(then, seen, Usual(early, lost))
    assert parts.volume + parts.lead_time + parts.cancellation == pytest.approx(now - then, abs=1e-6)
    assert seen.kept <= books


def test_money_of_the_trips_that_have_a_price_is_told_with_how_many(settings: Settings) -> None:
    add(settings, NEW + NEW.replace("9,C", "12,A").replace("120,0", ",0"))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert (
        "2 new bookings, 6 days won at 120 (the money of 1 of those 2 vehicles only: the others' is not "
        "known)"
    ) in section(settings)


def test_cancellations_are_not_known_where_most_have_no_date(settings: Settings) -> None:
    undated = LOST.replace("2026-11-19T10:00", "").replace("10,A", "13,A").replace("2026-12-20", "2026-12-19")
    add(settings, LOST + undated)
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "cancellations not known" in section(settings)
    assert rows(settings)["A"]["cancellations"] is None


def test_what_came_since_monday_is_told_beside_the_week(settings: Settings) -> None:
    add(settings, NEW.replace("2026-11-18T09:00", "2026-11-23T09:00"))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "And since then until 24 Nov 00:00: 1 booking, 0 cancellations." in section(settings)


def test_an_exact_date_after_the_snapshot_is_what_it_says(settings: Settings) -> None:
    add(settings, NEW.replace("9,C", "12,A").replace("2026-11-18T09:00", "2026-11-24T14:30"))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "And since then until 24 Nov 14:30: 1 booking, 0 cancellations." in section(settings)


def test_bookings_dated_after_the_snapshot_are_in_the_file_and_count(settings: Settings) -> None:
    until = NEW.replace("2026-11-18T09:00", "2026-11-23T09:00")
    late = NEW.replace("9,C", "12,A").replace("2026-11-18T09:00", "2026-11-25T00:00")
    add(settings, until + late + late.replace("12,A", "13,B"))
    read = load_tables(settings)
    # as under an export, whose ids tell the latest possible date of a booking
    bound = pl.col("booked_at").ge(datetime(2026, 11, 25)).fill_null(False)
    source = pl.when(bound).then(pl.lit("id_bound")).otherwise("booked_at_source").alias("booked_at_source")
    read = replace(read, reservations=read.reservations.with_columns(source))
    forecast_fleet(settings, [make_champion(28)], NOW, source=read)
    told = section(settings)
    assert (
        "And since then until 24 Nov 00:00: 3 bookings (2 of them are dated later: they are in the file, so "
        "that date is only the latest possible), 0 cancellations." in told
    )
