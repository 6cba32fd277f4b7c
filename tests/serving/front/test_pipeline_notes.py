"""What the front door says of the pipeline's runs and of input files that are gone or wait."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from fleet_pages import Pages

from turo.errors import InputError
from turo.last_runs import noted
from turo.serving.front.pipeline_notes import WATCHED, Watched, pipeline_notes
from turo.table.names import MANIFEST

NOW = datetime(2026, 11, 24, 6)


@pytest.mark.parametrize(
    ("step", "way"),
    [
        ("prepare", "Then trigger prepare_data in Airflow (or run `turo prepare`)."),
        ("train XGBoost", "Then trigger prepare_data in Airflow (or run `turo train XGBoost`)."),
        ("train XGBoost-7d", "Mend it. Then trigger forecast_fleet in Airflow."),
        ("promote XGBoost-7d", "Mend it. Then trigger forecast_fleet in Airflow."),
        ("forecast", "Then trigger forecast_fleet in Airflow (or run `turo forecast`)."),
        ("check", "trigger new_files in Airflow."),
    ],
)
def test_a_failed_step_is_told_with_the_way_to_try_it_again_until_it_succeeds(
    tmp_path: Path, step: str, way: str
) -> None:
    with pytest.raises(InputError), noted(tmp_path, step):
        raise InputError("Line 7 has no date.", "Mend it.")
    (sentence,) = pipeline_notes(tmp_path, NOW).attention
    assert sentence.startswith(f"“{step}” failed on ")
    assert "Line 7 has no date. Mend it. " in sentence
    assert sentence.endswith(way)
    with noted(tmp_path, step):
        pass
    assert pipeline_notes(tmp_path, NOW).attention == []


def test_a_file_that_was_read_and_is_gone_is_told_with_its_remedy(datas: Path) -> None:
    assert "gone from the data folder" not in Pages(str(datas)).get("/").text
    manifest = json.loads((datas / MANIFEST).read_text())
    manifest |= {"created_at": "2026-11-23T05:30:00+00:00", "inputs": {"vehicles.csv": {"sha256": "a"}}}
    (datas / MANIFEST).write_text(json.dumps(manifest))
    (datas / "vehicles.csv").unlink()
    page = Pages(str(datas)).get("/").text
    assert "vehicles.csv was read on 23 Nov 2026, 05:30 UTC and is gone from the data folder now" in page
    assert "Put it back, or a newer one under its name." in page


def test_the_home_page_promises_a_check_only_where_files_are_watched(datas: Path) -> None:
    with pytest.raises(InputError), noted(datas, "check"):
        raise InputError("Line 7 has no date.", "Mend it.")
    promise = "Another file is checked by itself."
    assert promise in Pages(str(datas)).get("/").text
    assert promise not in Pages(str(datas), watched=Watched(by_itself=False)).get("/").text


MISSED = "Nothing can be prepared without it."
BY_HAND = "To go on without it, trigger prepare_data in Airflow (or run `turo prepare`)."
BY_ITSELF = "what is there is checked and prepared without it, by itself."
EXPORTS = Watched(("trips_*.csv", "vehicles.csv", "blocks.csv"))


@pytest.mark.parametrize(
    ("profile", "gone", "asked", "way"),
    [
        ("canonical", "blocks.csv", WATCHED, BY_ITSELF),
        ("canonical", "blocks.csv", Watched(by_itself=False), BY_HAND),
        ("canonical", "vehicles.csv", WATCHED, MISSED),
        ("canonical", "reservations.csv", WATCHED, MISSED),
        ("turo_export", "vehicles.csv", EXPORTS, BY_ITSELF),
        ("turo_export", "trips_1.csv", EXPORTS, BY_HAND),
    ],
)
def test_a_file_that_is_gone_is_told_with_what_is_possible_without_it(
    tmp_path: Path, profile: str, gone: str, asked: Watched, way: str
) -> None:
    there = {"reservations.csv", "trips_1.csv", "trips_2.csv", "vehicles.csv", "blocks.csv"}
    for name in there:
        (tmp_path / name).write_text("vehicle_id\n")
    manifest = {"profile": profile, "inputs": {name: {"sha256": "a"} for name in there}}
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    (tmp_path / gone).unlink()
    (sentence,) = pipeline_notes(tmp_path, NOW, asked).attention
    assert sentence.startswith(f"{gone} was read on ")
    assert sentence.endswith(way)


def test_what_is_needed_is_asked_for_first_and_nothing_starts_by_itself_after_a_failure(
    tmp_path: Path,
) -> None:
    for name in ("reservations.csv", "vehicles.csv"):
        (tmp_path / name).write_text("vehicle_id\n")
    inputs = {name: {"sha256": "a"} for name in ("reservations.csv", "vehicles.csv", "blocks.csv")}
    (tmp_path / MANIFEST).write_text(json.dumps({"profile": "canonical", "inputs": inputs}))
    with pytest.raises(InputError), noted(tmp_path, "prepare"):
        raise InputError("Ray is away.", "Start it.")
    _, blocks = pipeline_notes(tmp_path, NOW).attention
    assert blocks.endswith(BY_HAND)
    (tmp_path / "vehicles.csv").unlink()
    _, vehicles, blocks = pipeline_notes(tmp_path, NOW).attention
    assert vehicles.endswith(MISSED)
    assert blocks.endswith("First of all vehicles.csv must be there.")


def test_files_that_passed_and_wait_are_told_until_their_preparation_tells_itself(tmp_path: Path) -> None:
    (tmp_path / "last-runs").mkdir()
    (tmp_path / "last-runs" / "passed-files").write_text('{"at": "2026-11-24T05:50:00+00:00"}')
    soon, late = pipeline_notes(tmp_path, NOW), pipeline_notes(tmp_path, datetime(2026, 11, 24, 6, 30))
    assert (len(soon.attention), len(late.under_way)) == (0, 0)
    assert "prepare_data begins by itself" in soon.under_way[0]
    assert "trigger prepare_data there" in late.attention[0]
    with noted(tmp_path, "prepare"):
        assert pipeline_notes(tmp_path, datetime(2026, 11, 24, 6, 30)).attention == []
    (tmp_path / MANIFEST).write_text('{"created_at": "2026-11-24T06:00:00+00:00"}')
    assert pipeline_notes(tmp_path, datetime(2026, 11, 24, 6, 30)).attention == []


@pytest.mark.parametrize("content", ["{", "[]", '{"at": 5}', '{"at": "yesterday"}', "[" * 200_000])
def test_a_damaged_note_takes_no_page_away(datas: Path, content: str) -> None:
    (datas / "last-runs").mkdir(exist_ok=True)
    for name in ("passed-files", "prepare.json"):
        (datas / "last-runs" / name).write_text(content)
    assert Pages(str(datas)).get("/").status_code == 200
    assert pipeline_notes(datas, NOW).attention == []


def test_a_file_that_cannot_be_looked_for_takes_no_page_away(datas: Path) -> None:
    manifest = json.loads((datas / MANIFEST).read_text())
    manifest["inputs"] = {f"{'a' * 300}.csv": {"sha256": "a"}}
    (datas / MANIFEST).write_text(json.dumps(manifest))
    page = Pages(str(datas)).get("/")
    assert page.status_code == 200
    assert "gone from the data folder" not in page.text
