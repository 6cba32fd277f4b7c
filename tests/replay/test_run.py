"""A whole replay, from files to files, and what becomes of them when the folder's fleet changes."""

from __future__ import annotations

import logging
import shutil
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cut_files import cut
from export_factory import Fleet, write
from html_nesting import check_nesting

from turo.data.load import load_tables
from turo.errors import ConfigError, InputError
from turo.prepare import run as prepare
from turo.prepare.other_fleets import FOLDER
from turo.replay import limits
from turo.replay.past_mondays import PastMonday, PastMondays
from turo.replay.ray_tasks import Fitted, Plan, rows
from turo.replay.refit import Method
from turo.replay.run import run
from turo.settings import Settings, load
from turo.table.names import TRACK_RECORD, TRACK_RECORD_PAGE
from turo.training.project import Project

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray"), pytest.mark.timeout(300)]


def settings(folder: Path) -> Settings:
    return load(data_dir=str(folder), ray_address="local")


def test_a_record_is_written_whatever_is_too_long_for_the_history_and_goes_with_its_fleet(
    sample, tmp_path, caplog
):
    folder = Path(shutil.copytree(sample, tmp_path / "data"))
    with caplog.at_level(logging.INFO):
        made = run(settings(folder), date(2026, 11, 11), horizons=(7, 90))
    assert (made["mondays"], made["model"]) == (2, "XGBoost")
    moved, too_long = made["notices"]
    assert moved == "2026-11-11 is no Monday: replayed from the next one, 2026-11-16."
    assert too_long.startswith("90 days are not replayed: ")
    assert "Replayed 2 of 2 Mondays" in caplog.text
    assert too_long in caplog.text

    table = pl.read_csv(folder / TRACK_RECORD, try_parse_dates=True, infer_schema_length=None)
    assert table["horizon_days"].unique().to_list() == [7]
    fleet = table.filter(level="fleet")
    assert fleet["actual"].null_count() == 1  # the newest Monday's window is not over
    vehicles = table.filter(pl.col("level") == "vehicle", ~pl.col("looks_gone"))
    for name in ("mean", "on_books", "actual", "baseline_on_the_books"):
        sums = vehicles.group_by("origin_date", maintain_order=True).agg(pl.col(name).sum())[name]
        assert sums[0] == pytest.approx(fleet[name][0], abs=1e-4), name
    assert vehicles.filter(pl.col("median") > pl.col("high")).is_empty()
    page = (folder / TRACK_RECORD_PAGE).read_text()
    check_nesting(page)
    assert "90 days are not replayed" in page

    prepare.run(settings(folder))
    assert (folder / TRACK_RECORD).exists()  # the record of a new host stays when his table is made
    assert not (folder / FOLDER).exists()
    write(folder, Fleet(vehicles=4, days=240).rows(datetime(2025, 8, 1, 12)))
    prepare.run(settings(folder))
    assert not (folder / TRACK_RECORD).exists()
    assert not (folder / TRACK_RECORD_PAGE).exists()
    assert len(list((folder / FOLDER).glob(f"*/{TRACK_RECORD}"))) == 1


def test_where_no_window_is_over_the_record_says_so(sample, tmp_path):
    folder = Path(shutil.copytree(sample, tmp_path / "data"))
    made = run(settings(folder), date(2026, 11, 23), horizons=(7,))
    assert made["notices"] == ["No window of these Mondays is over yet: there is nothing to compare with."]
    assert made["figures"] == {}
    assert "No window of these Mondays is over yet" in (folder / TRACK_RECORD_PAGE).read_text()


def test_each_horizon_is_replayed_from_its_own_first_monday_on(sample, tmp_path):
    first = limits.History.of(load_tables(settings(sample))).earliest(28)
    assert first is not None
    week = timedelta(weeks=1)
    folder = cut(sample, tmp_path / "data", first + week)
    made = run(
        load(data_dir=str(folder), ray_address="local", as_of=str(first + week)),
        first - week,
        horizons=(7, 28),
    )
    table = pl.read_csv(folder / TRACK_RECORD, try_parse_dates=True, infer_schema_length=None).filter(
        level="fleet"
    )
    assert table.filter(horizon_days=7)["origin_date"].to_list() == [first - week, first, first + week]
    assert table.filter(horizon_days=28)["origin_date"].to_list() == [first, first + week]
    assert table.filter(horizon_days=28)["version"].cast(pl.String).to_list() == [str(first)] * 2
    (told,) = [text for text in made["notices"] if text.startswith("28 days")]
    assert told.startswith(f"28 days are replayed from {first} on only: up to {first - week} there are ")


def test_where_no_vehicle_was_in_the_fleet_that_is_the_reason(sample, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(sample, tmp_path / "data"))
    found = [Fitted(7, "2026-11-23", ""), pl.DataFrame()]
    monkeypatch.setattr("turo.replay.run.rows", lambda *_: iter(found))
    with pytest.raises(InputError, match="On none of these Mondays was a vehicle in the fleet"):
        run(settings(folder), date(2026, 11, 23), horizons=(7,))


@pytest.fixture
def first(sample) -> date:
    """The first Monday on which a model of 7 days can be trained; `earliest` says a fortnight sooner."""
    found = limits.History.of(load_tables(settings(sample))).earliest(7)
    assert found is not None
    return found


@pytest.fixture
def too_early(first, monkeypatch) -> date:
    """A Monday on which a training is begun, and must be refused."""
    early = first - timedelta(weeks=2)
    monkeypatch.setattr(limits.History, "earliest", lambda *_: early)
    return early


def replay_up_to(day: date, since: date, sample: Path, folder: Path) -> dict[str, Any]:
    cut(sample, folder, day)
    return run(load(data_dir=str(folder), ray_address="local", as_of=str(day)), since, horizons=(7,))


def test_a_refused_training_is_told_with_its_monday_and_tried_on_the_next_one(
    sample, tmp_path, first, too_early, caplog
):
    week, folder = timedelta(weeks=1), tmp_path / "data"
    with caplog.at_level(logging.INFO):
        made = replay_up_to(first + week, too_early, sample, folder)
    reasons = [f"Only {weeks} weeks whose outcome is known; 26 are needed." for weeks in (24, 25)]
    trained = [text for text in caplog.messages if text.startswith("Trained 7 days")]
    assert [text.split(": refused, ")[0] for text in trained] == [
        f"Trained 7 days as of {day}" for day in (too_early, too_early + week, first)
    ]  # none twice, and none anew once there is a model
    assert [text.partition(": refused, ")[2] for text in trained] == [*reasons, ""]
    table = pl.read_csv(folder / TRACK_RECORD, try_parse_dates=True, infer_schema_length=None)
    fleet = table.filter(level="fleet")
    assert fleet["origin_date"].to_list() == [first, first + week]
    assert fleet["version"].cast(pl.String).to_list() == [str(first)] * 2
    (told,) = [text for text in made["notices"] if text.startswith("7 days")]
    assert told == f"7 days are replayed from {first} on only: {reasons[1]}"
    assert told in unescape((folder / TRACK_RECORD_PAGE).read_text())


def test_where_every_training_is_refused_the_last_reason_is_the_answer(sample, tmp_path, first, too_early):
    folder = tmp_path / "data"
    with pytest.raises(InputError, match="No model could be trained for these Mondays: Only") as refused:
        replay_up_to(first - timedelta(weeks=1), too_early, sample, folder)
    assert refused.value.remedy == "Bring a longer history."
    assert not (folder / TRACK_RECORD).exists()


def test_what_no_other_monday_can_mend_ends_the_replay_by_its_own_name(sample, first):
    past = PastMondays(settings(sample), load_tables(settings(sample)))
    unknown = Method("Oracle", Project("oracle", "No such kind.", {}), priced_books=True)
    asked = []

    def at(day: date) -> PastMonday:
        asked.append(day)
        return past.at(day)

    days = [first + timedelta(weeks=number) for number in range(3)]
    with pytest.raises(ConfigError, match="Unknown kind of model 'oracle'"):
        list(rows(at, days, {7: first}, Plan((7,), 7, 13, unknown)))
    assert asked == [first]
