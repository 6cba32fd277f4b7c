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
