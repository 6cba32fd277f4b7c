"""What cannot be replayed is refused by name, with what helps; what the files cannot tell is said."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from turo.cli import app
from turo.data.canonical_statuses import cancelled
from turo.data.load import load_tables
from turo.data.tables import INSTANT
from turo.errors import ConfigError, InputError
from turo.replay import limits
from turo.replay.known_then import as_known
from turo.replay.refit import finished_trips
from turo.replay.run import run
from turo.settings import load
from turo.training.enough_history import MIN_TRIPS

HORIZONS = (7, 28)


@pytest.fixture(scope="module")
def tables(sample):
    return load_tables(load(data_dir=str(sample)))


def refused(tables, since, horizons=HORIZONS) -> str:
    with pytest.raises(InputError) as caught:
        limits.days_to_replay(tables, since, horizons)
    return str(caught.value)


def test_a_date_before_enough_history_names_the_first_monday_that_can_be_replayed(tables):
    first = limits.History.of(tables).earliest(7)
    told = refused(tables, date(2026, 1, 12))
    assert told.startswith("2026-01-12 is too early to replay: on that Monday the files knew ")
    assert (
        "weeks of Mondays whose 7 days were over; a model needs 26, and 100 finished trips; known then: 71"
        in told
    )
    assert told.endswith(f"Give --since {first} or later.")
    assert limits.days_to_replay(tables, first, HORIZONS)[0][0] == first
    assert limits.days_to_replay(tables, None, HORIZONS)[0][0] == first  # less than a year is there


def test_a_date_after_the_newest_monday_is_refused(tables):
    told = refused(tables, date(2027, 1, 4))
    assert "2027-01-04 lies after 2026-11-23, the newest Monday of the files (snapshot of 2026-11-2" in told
    assert "there is nothing to replay. Give --since " in told


def test_of_another_weekday_the_next_monday_is_taken_and_said(tables):
    days, notes = limits.days_to_replay(tables, date(2026, 11, 11), HORIZONS)
    assert days == [date(2026, 11, 16), date(2026, 11, 23)]
    assert notes == ["2026-11-11 is no Monday: replayed from the next one, 2026-11-16."]


def test_a_history_too_short_for_any_monday_says_what_is_there_and_needed(tables):
    short = replace(tables, reservations=tables.reservations.filter(pl.col("trip_start") > date(2026, 6, 1)))
    told = refused(short, None, (90,))
    assert told.startswith("No Monday can be replayed: up to 2026-11-23 there are ")
    assert told.endswith("a model needs 44 and 100. Bring a longer history.")


def test_only_what_helps_is_advised_where_no_monday_can_be_replayed(tables):
    weeks = refused(replace(tables, snapshot=datetime(2026, 9, 1)), None, (90,))
    assert weeks.endswith("Bring a longer history, or replay --horizons 28.")
    few = tables.reservations.filter(~cancelled()).sort("trip_end").gather_every(10)
    trips = refused(replace(tables, reservations=few), None, (7,))
    assert f" and {(few['trip_end'] <= datetime(2026, 11, 23)).sum()} finished trips; " in trips
    assert trips.endswith("Bring a longer history, or one of more vehicles: fewer days need as many trips.")


def test_a_monday_on_which_the_hundredth_trip_still_runs_is_too_early(tables):
    monday, rows = date(2026, 10, 5), tables.reservations.filter(~cancelled()).sort("trip_end")
    hundredth = rows[MIN_TRIPS - 1].with_columns(trip_end=pl.lit(datetime(2026, 10, 5, 10), INSTANT))
    later = rows.filter(pl.col("trip_end") > monday + timedelta(days=1))
    given = replace(tables, reservations=pl.concat([rows[: MIN_TRIPS - 1], hundredth, later]))
    assert finished_trips(as_known(given, monday).reservations, monday) == MIN_TRIPS - 1
    told = refused(given, monday)
    assert "100 finished trips; known then: 99." in told
    assert told.endswith("Give --since 2026-10-12 or later.")
    (first, *_), _ = limits.days_to_replay(given, date(2026, 10, 12), HORIZONS)
    assert finished_trips(as_known(given, first).reservations, first) >= MIN_TRIPS


def test_take_home_files_have_no_dates_to_replay(tables):
    told = refused(replace(tables, profile="turo_takehome"), None)
    assert "The take-home files have no trip dates" in told
    assert "Bring a trip earnings export" in told


def test_files_without_booking_dates_say_what_can_be_replayed(tables):
    assert limits.undated(tables) == []
    rows = tables.reservations.with_columns(
        booked_at_source=pl.lit("none"), cancelled_at=pl.lit(None, pl.Datetime("us"))
    )
    undated, uncancelled = limits.undated(replace(tables, reservations=rows))
    count = len(rows)
    assert undated.startswith(
        f"{count} of {count} reservations have no booking date: each counts as booked when"
    )
    assert "What can be replayed is the forecast from past trips" in undated
    assert "cancelled reservations have no date of cancellation" in uncancelled


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--since", "yesterday"], "--since 'yesterday' is no date. Write it like 2025-11-24."),
        (["--horizons", "7,x"], "--horizons '7,x': 'x' is no number of days."),
        (["--horizons", "0"], "Give days from 1 to 366 by comma"),
        (["--model", "Prophet"], "Model 'Prophet' is not configured."),
    ],
)
def test_options_that_mean_nothing_are_refused(sample, options, told):
    result = CliRunner().invoke(app, ["replay", *options], obj=load(data_dir=str(sample)))
    assert isinstance(result.exception, ConfigError)
    assert told in str(result.exception)


def test_the_files_of_another_fleet_than_the_table_s_are_refused_and_nothing_is_written(
    sample, tmp_path, monkeypatch
):
    folder = Path(shutil.copytree(sample, tmp_path / "data"))
    monkeypatch.setattr("turo.prepare.other_fleets.current", lambda _: "another")
    with pytest.raises(InputError, match="of another fleet than the prepared table"):
        run(load(data_dir=str(folder)), date(2026, 11, 2))
    assert {path.name for path in folder.iterdir()} == {path.name for path in sample.iterdir()}
