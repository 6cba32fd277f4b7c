"""The fleet's number and what it was worth on past Mondays, through `forecast_fleet`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, weeks, write_table

from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.output.store import append_history, append_totals
from turo.replay.columns import SAID, TRUE, ordered
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


def number(settings: Settings, horizon: int = 28) -> dict[str, Any]:
    table = pl.read_csv(Path(settings.data_dir) / "report" / "fleet_number.csv")
    return table.row(by_predicate=pl.col("horizon_days") == horizon, named=True)


def page(settings: Settings) -> str:
    return (Path(settings.data_dir) / "report.html").read_text()


def record(count: int) -> pl.DataFrame:
    """So many Mondays: 40 expected, and in turn 36 and 50 came; only the first lies in the range."""
    rows = [
        {
            "origin_date": ORIGIN - timedelta(weeks=4 + week),
            "horizon_days": 28,
            "level": level,
            "vehicles": 3,
            "mean": 40.0,
            "low": 30.0,
            "high": 45.0,
            "actual": 36.0 if week % 2 else 50.0,
            "price_day": 50.0,
        }
        for week in range(count)
        for level in ("fleet", "vehicle")
    ]
    return ordered(pl.DataFrame(rows), {**SAID, **TRUE})


def test_days_and_money_with_their_ranges(settings: Settings) -> None:
    forecast_fleet(settings, [make_ranged_champion(28, places=weeks(20))], NOW)
    found = number(settings)
    assert (found["days"], found["days_low"], found["days_high"]) == (
        pytest.approx(37, abs=0.5),
        pytest.approx(30, abs=0.6),
        pytest.approx(44, abs=0.6),
    )
    assert found["money_low"] < found["money"] < found["money_high"]
    assert "in 8 of 10 cases between 30 and 44" in page(settings)


def test_it_says_when_no_monday_tells_what_it_is_worth(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert number(settings)["track_record"].startswith("No past Monday tells yet")
    assert number(settings)["days_low"] is None


def test_replayed_mondays_tell_what_it_is_worth(settings: Settings) -> None:
    record(60).write_csv(Path(settings.data_dir) / "track-record.csv")
    forecast_fleet(settings, [make_champion(28)], NOW)
    found = number(settings)
    assert (found["mondays"], found["missed"], found["inside"], found["ranged"]) == (52, 7.0, 26, 52)
    assert found["track_record"] == (
        "On the past 52 Mondays the same number missed by 7 days on average (16.3 % of what came; in sum "
        "7.0 % too little), worth 350; 26 of 52 ended within the range, 8 of 10 should."
    )


def test_a_damaged_track_record_is_told_and_the_rest_stays(settings: Settings) -> None:
    (Path(settings.data_dir) / "track-record.csv").write_text("origin_date,mean\n2026-11-02,many\n")
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "track-record.csv cannot be read" in page(settings)
    assert number(settings)["days"] == pytest.approx(40.5)


def test_kept_mondays_stand_in_for_replayed_ones(settings: Settings) -> None:
    folder, then = Path(settings.data_dir), ORIGIN - timedelta(weeks=4)
    made = forecast_fleet(settings, [make_champion(28)], NOW)
    append_history(made.forecasts.with_columns(origin_date=pl.lit(then)), folder)
    append_totals(made.totals.with_columns(origin_date=pl.lit(then)), folder)
    write_table(folder, pl.concat([prepared(then, 28, 12.0), prepared(ORIGIN, 28)]))
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert number(settings)["track_record"] == (  # 40.5 expected, 36 came
        "As it was forecast on the past 1 Monday the same number missed by 4 days on average (12.5 % of what "
        "came; in sum 12.5 % too much). So few say little."
    )


def bookings(settings: Settings, source: str) -> None:
    """A trip of three days in the coming week, booked on the Tuesday, and how booking dates are known."""
    path = Path(settings.data_dir) / "reservations.csv"
    late = "9,C,2026-11-25T00:00,2026-11-28T00:00,booked,2026-11-24T00:00,,120,0\n"
    lines = (path.read_text() + late).splitlines()
    path.write_text("\n".join([f"{lines[0]},booked_at_source", *(f"{line},{source}" for line in lines[1:])]))


def test_mondays_books_and_the_calendar_of_a_later_day_are_told_with_why_they_differ(
    settings: Settings,
) -> None:
    bookings(settings, "id_bound")
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    found = number(settings, 7)
    # A: 2 of 24 to 26, 4 of 26 to 30; B: all 7; C: the 3 that Monday's books do not have
    assert found["on_books"] == pytest.approx(8.6, abs=0.1)
    assert found["calendar_days"] == pytest.approx(5.5 + 7 + 3)
    told = (
        "On the books when 23 Nov began: 8.6 days of the next 7 days; the calendar as of 24 Nov 00:00 has "
        "15.5 days in the same window. Some booking dates are only the latest possible ones, so Monday&#39;s "
        "books may be too low for that reason, too: true ones in booked_at mend that."
    )
    assert told in page(settings)
    assert "as of 2026-11-24 00:00:00; weeks begin" in page(settings)


def test_exact_booking_dates_are_not_blamed_for_the_difference(settings: Settings) -> None:
    bookings(settings, "exact")
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    assert "has 15.5 days in the same window." in page(settings)
    assert "latest possible ones" not in page(settings)
