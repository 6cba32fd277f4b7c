"""The answers as a forecast leaves them: sections of the page, and the rows behind them beside it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import make_champion
from html_nesting import check_nesting

from turo.forecast.fleet_forecast import forecast_fleet
from turo.settings import Settings

KEYS = ("gaps", "turnarounds", "at_risk", "at_risk_calibration")


@pytest.fixture
def folder(settings: Settings) -> Path:
    forecast_fleet(settings, [make_champion(28)], datetime(2026, 11, 24, 6))
    return Path(settings.data_dir)


def test_each_answer_is_a_section_with_its_rows_beside_the_page(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    check_nesting(page)
    for key in KEYS:
        assert f'<section id="{key}">' in page
        assert f'href="report/{key}.csv"' in page
        assert (folder / "report" / f"{key}.csv").is_file()
    assert "Ford Focus 2019" in page.split('id="gaps"')[1].split("</section>")[0]


def test_the_rows_are_those_of_the_files(folder: Path) -> None:
    """Of the hand-made fleet D is not listed any more; C leaves on 7 December, B is booked to the 20th."""
    rows = pl.read_csv(folder / "report" / "gaps.csv", schema_overrides={"vehicle_id": pl.String})
    found = rows.filter(pl.col("vehicle_id") != "A").select("vehicle_id", "start", "end", "before").rows()
    assert found == [
        ("B", "2026-12-20T00:00:00", "2026-12-22T00:00:00", "open"),
        ("C", "2026-11-24T00:00:00", "2026-12-07T00:00:00", "listing"),
    ]
    assert rows.filter(vehicle_id="A")["start"][0] == "2026-12-02T00:00:00"
    assert rows["chance"].null_count() == len(rows)  # a few trips tell no chance
