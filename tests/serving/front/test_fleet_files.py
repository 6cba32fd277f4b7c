"""The forecast's files are taken as one set: a newer one when it is whole, the older one until then."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from fleet_pages import NOW
from hand_fleet import make_ranged_champion

from turo.forecast.fleet_forecast import forecast_fleet
from turo.serving.front.fleet_files import FleetFolder
from turo.settings import load


def test_a_newer_forecast_is_taken_when_it_is_there(datas: Path) -> None:
    folder = FleetFolder(str(datas))
    before = folder.now()
    assert before is not None
    assert folder.now() is before  # nothing is read again while nothing changes
    settings = load(data_dir=str(datas), as_of="2026-11-24")
    forecast_fleet(settings, [make_ranged_champion(7)], NOW + timedelta(hours=1))
    after = folder.now()
    assert after is not None
    assert set(after.forecasts["horizon_days"]) == {7}
    assert after.made_at == NOW + timedelta(hours=1)
    assert folder.problems == []


@pytest.mark.parametrize("name", ["forecasts.csv", "report/vehicle_weeks.csv", "forecast-totals.csv"])
def test_while_files_are_written_the_older_set_goes_on(datas: Path, name: str) -> None:
    folder = FleetFolder(str(datas))
    before = folder.now()
    path, made = datas / name, datas / "report/made.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    os.utime(made, ns=(1, 1))  # somebody writes: made.json is looked at again
    assert folder.now() is before
    assert path.name in folder.problems[0]
    assert "being written" in folder.problems[0]
    path.write_bytes(whole)
    os.utime(made, ns=(2, 2))
    assert folder.now() is not None
    assert folder.problems == []


@pytest.mark.parametrize("spoilt", ["{", "[1]", '{"form": 1, "files": {"gone.csv": "00"}}'])
def test_files_that_cannot_be_used_are_told_and_there_is_no_forecast(datas: Path, spoilt: str) -> None:
    (datas / "report/made.json").write_text(spoilt)
    folder = FleetFolder(str(datas))
    assert folder.now() is None
    assert "is not whole" in folder.problems[0]


def test_a_set_of_an_older_release_lacks_what_it_did_not_write(datas: Path) -> None:
    table = pl.read_csv(datas / "forecasts.csv").drop("q05", "reason_1")
    for name in ("report/made.json", "forecast-totals.csv"):
        (datas / name).unlink()
    table.write_csv(datas / "forecasts.csv")
    folder = FleetFolder(str(datas))
    held = folder.now()
    assert held is not None
    assert held.forecasts["q05"].is_null().all()
    assert held.totals.is_empty()
    assert held.rows("gaps", vehicle_id="A") == []
    assert "older version" in folder.problems[0]
