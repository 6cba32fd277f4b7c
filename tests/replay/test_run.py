"""A whole replay, from files to files, and what becomes of them when the folder's fleet changes."""

from __future__ import annotations

import logging
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from cut_files import cut
from export_factory import Fleet, write
from html_nesting import check_nesting

from turo.data.load import load_tables
from turo.errors import InputError
from turo.prepare import run as prepare
from turo.prepare.other_fleets import FOLDER
from turo.replay import limits
from turo.replay.ray_tasks import Fitted
from turo.replay.run import run
from turo.settings import Settings, load
from turo.table.names import TRACK_RECORD, TRACK_RECORD_PAGE

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
