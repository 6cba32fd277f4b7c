"""The whole chain leaks nothing: a replayed Monday is, byte for byte, what files cut at that Monday give."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from cut_files import cut
from export_factory import Fleet, write

from turo.replay.columns import TRUE
from turo.replay.run import run
from turo.settings import Settings, load
from turo.table.names import TRACK_RECORD

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray"), pytest.mark.timeout(300)]
SINCE = date(2026, 10, 12)


def replay(asked: Settings, since: date) -> dict[str, Any]:
    return run(asked, since, "XGBoost", horizons=(7, 28), retrain_weeks=2)


def settings(folder, **more) -> Settings:
    return load(data_dir=str(folder), ray_address="local", **more)


def said(folder, day: date) -> str:
    """The lines of a Monday without what came true."""
    table = pl.read_csv(folder / TRACK_RECORD, infer_schema=False)
    return table.filter(pl.col("origin_date") == str(day)).drop(*TRUE).write_csv()


def test_a_replayed_monday_is_byte_equal_to_the_one_from_canonical_files_cut_at_it(sample, tmp_path):
    whole = shutil.copytree(sample, tmp_path / "whole")
    made = replay(settings(whole), SINCE)
    assert (made["mondays"], made["last"]) == (7, date(2026, 11, 23))
    assert made["figures"][7]["forecast"]["windows"] == 6
    for day in (SINCE, SINCE + timedelta(weeks=1), SINCE + timedelta(weeks=3)):
        past = cut(sample, tmp_path / str(day), day)
        for name in ("reservations.csv", "vehicles.csv", "blocks.csv"):
            assert (past / name).read_text() != (sample / name).read_text()
        then = replay(settings(past, as_of=str(day)), SINCE)
        assert then["last"] == day
        assert said(past, day) == said(whole, day)
        assert said(past, day).count("\n") > 15


def test_a_replayed_monday_is_byte_equal_to_the_one_from_the_exports_taken_by_it(tmp_path):
    fleet, whole = Fleet(vehicles=12, days=430, seed=4), tmp_path / "whole"
    whole.mkdir()
    days = [date(2025, 9, 1), date(2025, 12, 1), date(2025, 12, 8), date(2025, 12, 18), date(2026, 1, 20)]
    for day in days:
        write(whole, fleet.rows(datetime(day.year, day.month, day.day, 9)), f"trip_export_{day:%Y%m%d}.csv")
    exports = {"reservations_file": "trip_export_*.csv"}
    made = replay(settings(whole, **exports), date(2025, 12, 1))
    record = pl.read_csv(whole / TRACK_RECORD, try_parse_dates=True).filter(level="fleet", horizon_days=7)
    assert record["known_by"].to_list()[:4] == [*["export of the day"] * 2, *["later export"] * 2]
    assert any("Exports have no booking dates" in text for text in made["notices"])
    for day in (date(2025, 12, 1), date(2025, 12, 8)):
        past = tmp_path / str(day)
        past.mkdir()
        for name in (f"trip_export_{taken:%Y%m%d}.csv" for taken in days if taken <= day):
            shutil.copy(whole / name, past / name)
        replay(settings(past, **exports), date(2025, 12, 1))
        assert said(past, day) == said(whole, day)
        assert said(past, day).count("\n") > 15
