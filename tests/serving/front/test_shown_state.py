"""What is wrong with the forecast that is shown stands on every page that shows it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from fleet_pages import NOW, Pages
from html_nesting import check_nesting

EVERY = ("/", "/report", "/vehicles", "/vehicles/A", "/vehicles/Z")
WEEKS = "report/vehicle_weeks.csv"


def test_an_old_forecast_and_a_newer_table_are_told_everywhere(datas: Path) -> None:
    pages = Pages(str(datas), now=NOW + timedelta(days=30))
    pages.directory.manifest = {"digest": "another"}
    for path in EVERY:
        page = pages.get(path).text
        assert page.count("The forecast begins on 23 Nov 2026, 31 days ago") == 1
        assert page.count("The table was prepared anew after the forecast was made") == 1
        check_nesting(page)
    assert not any("31 days ago" in Pages(str(datas)).get(path).text for path in EVERY)


def test_files_of_two_sets_are_told_everywhere_and_never_mixed(datas: Path) -> None:
    pages = Pages(str(datas))
    assert pages.get("/").status_code == 200
    whole = (datas / WEEKS).read_bytes()
    (datas / WEEKS).write_bytes(whole + b"A,2026-11-23,1.0,\n")
    for path in EVERY:
        assert "vehicle_weeks.csv was changed by hand" in pages.get(path).text
    refused = pages.get(f"/{WEEKS}", {"Accept": "*/*"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert "vehicle_weeks.csv is not the file that belongs to the forecast shown" in refused.json()["detail"]
    (datas / WEEKS).write_bytes(whole)
    assert pages.get(f"/{WEEKS}").content == whole
    assert "changed by hand" not in pages.get("/report").text


SHAPES = (
    '{"form": 1, "files": ["a.csv"]}',
    '{"form": 1, "files": {"a.csv": 7}}',
    '{"form": 1, "files": {"../manifest.json": "00"}}',
    '{"form": 1, "files": null}',
    '{"form": 1, "beside": "forecasts.csv"}',
    '{"form": 1, "snapshot": 7}',
    '{"form": 1, "code_version": []}',
    "[" * 100_000,
    "null",
    "[]",
    "\x00",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_made_file_of_an_unexpected_shape_is_told_and_the_older_set_stays(datas: Path, shape: str) -> None:
    pages = Pages(str(datas))
    before = pages.get("/").text
    (datas / "report/made.json").write_text(shape)
    for path in ("/", "/report", "/vehicles", "/vehicles/A"):
        page = pages.get(path)
        assert (page.status_code, "made.json was changed by hand" in page.text) == (200, True)
    assert "Next 28 days" in before
    assert pages.get("/openapi.json").status_code == 200
    alone = Pages(str(datas))
    assert alone.get("/openapi.json").status_code == 200
    assert "is not whole (made.json)" in alone.get("/").text


@pytest.mark.parametrize("form", [0, 2, "1", None, [1]])
def test_of_a_made_file_of_another_form_nothing_else_is_believed(datas: Path, form: object) -> None:
    (datas / "report/made.json").write_text(
        json.dumps({"form": form, "files": 7, "main": "x", "snapshot": []})
    )
    pages = Pages(str(datas))
    for path in ("/", "/report", "/vehicles", "/vehicles/A"):
        page = pages.get(path)
        assert (page.status_code, "made by an older version" in page.text) == (200, True)


@pytest.mark.parametrize("column", ["target", "vehicle_id", "origin_date", "horizon_days"])
def test_a_forecast_without_what_every_row_has_is_told(datas: Path, column: str) -> None:
    (datas / "report/made.json").unlink()
    table = pl.read_csv(datas / "forecasts.csv")
    table.with_columns(pl.lit(None).alias(column)).write_csv(datas / "forecasts.csv")
    pages = Pages(str(datas))
    assert "is not whole (forecasts.csv)" in pages.get("/").text
    assert pages.get("/openapi.json").status_code == 200


def test_a_forecast_without_means_or_its_moment_is_shown_without_them(datas: Path) -> None:
    (datas / "report/made.json").unlink()
    for name in ("forecasts.csv", "forecast-totals.csv"):
        pl.read_csv(datas / name).drop("mean", "created_at").write_csv(datas / name)
    pages = Pages(str(datas))
    home = pages.get("/")
    assert home.status_code == 200
    assert "Forecast from Monday 23 Nov 2026." in home.text
    for path in ("/vehicles", "/vehicles/A"):
        assert pages.get(path).status_code == 200


def test_the_report_leads_home_and_is_one_address(datas: Path) -> None:
    page = Pages(str(datas)).get("/report").text
    for way in ("/", "/vehicles", "/docs"):
        assert f'href="{way}"' in page
    onward = Pages(str(datas)).get("/report/")
    assert (onward.status_code, onward.headers["Location"]) == (303, "/report")
