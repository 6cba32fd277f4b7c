"""The files behind a vehicle's page, of the fleet made by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from fleet_pages import with_forecasts
from hand_fleet import ORIGIN

from turo.files import sha256
from turo.settings import Settings


def rows(settings: Settings, name: str) -> pl.DataFrame:
    return pl.read_csv(Path(settings.data_dir) / "report" / f"{name}.csv", try_parse_dates=True)


def test_the_weeks_and_the_forecasts_that_are_over_stand_beside_the_report(settings: Settings) -> None:
    costs = Path(settings.data_dir) / "costs.csv"
    costs.write_text("vehicle_id,monthly_cost\nA,100\n")
    with_forecasts(settings)
    weeks = rows(settings, "vehicle_weeks")
    assert dict(weeks.group_by("vehicle_id").len().rows()) == {"A": 39, "B": 39, "C": 39}
    a = {row["week"]: row for row in weeks.filter(vehicle_id="A").iter_rows(named=True)}
    assert min(a) == ORIGIN - timedelta(weeks=26)
    # 24 Nov 12:00 to 30 Nov without a gap, two days in the week after; four days early in November.
    assert (a[ORIGIN]["booked"], a[date(2026, 11, 30)]["booked"]) == (5.5, 2.0)
    assert (a[date(2026, 11, 2)]["booked"], a[date(2026, 11, 9)]["booked"]) == (4.0, 0.0)
    # Its first trip began on 24 November 2025: before it nothing is known.
    assert a[ORIGIN]["year_ago"] == pytest.approx(7.0)
    assert a[ORIGIN - timedelta(weeks=1)]["year_ago"] is None

    track = rows(settings, "vehicle_track")
    found = track.filter(vehicle_id="A", horizon_days=28).to_dicts()
    assert [row["origin_date"] for row in found] == [ORIGIN - timedelta(weeks=4)]
    assert (found[0]["median"], found[0]["low"], found[0]["high"], found[0]["actual"]) == (
        7.5,
        5.5,
        11.5,
        6.0,
    )

    folder = Path(settings.data_dir)
    made = json.loads((folder / "report/made.json").read_text())
    assert made["costs"] == sha256(costs)  # another content asks for another report
    assert made["beside"] == {
        name: sha256(folder / name) for name in ("forecasts.csv", "forecast-totals.csv", "report.html")
    }
