"""Which input files are news: by content, against what was prepared and what was checked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from turo import last_runs
from turo.errors import InputError
from turo.prepare import input_notes, watched_inputs
from turo.table.names import FLEETS, MANIFEST

NAMES = ["reservations.csv", "vehicles.csv", "blocks.csv"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reservations.csv").write_text("one")
    (tmp_path / "vehicles.csv").write_text("two")
    prepared = {name: {"sha256": sha} for name, sha in watched_inputs.digests(tmp_path, NAMES).items()}
    (tmp_path / MANIFEST).write_text(json.dumps({"inputs": prepared}))
    return tmp_path


def news(folder: Path, names: list[str] = NAMES) -> bool:
    return watched_inputs.is_news(
        folder, watched_inputs.digests(folder, watched_inputs.states(folder, names)), names
    )


def refuse(folder: Path) -> None:
    """A check that refuses what lies there."""
    with pytest.raises(InputError), last_runs.noted(folder, "check"):
        input_notes.refused(folder, watched_inputs.digests(folder, watched_inputs.states(folder, NAMES)))
        raise InputError("Line 2 is no booking.", "Mend it.")


def test_what_was_prepared_is_no_news_nor_is_a_touch(folder: Path) -> None:
    assert not news(folder)
    os.utime(folder / "reservations.csv", (1, 1))
    assert not news(folder)


@pytest.mark.parametrize("name", NAMES)
def test_another_content_or_another_file_is_news_until_a_check_refused_it(folder: Path, name: str) -> None:
    (folder / name).write_text("another")
    assert news(folder)
    refuse(folder)
    assert not news(folder)
    (folder / name).write_text("replaced while it was checked")
    assert news(folder)


def test_before_the_first_table_nothing_is_news(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    assert not news(folder)


def test_where_the_first_preparation_failed_files_are_news_to_a_check(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(InputError), last_runs.noted(folder, "prepare"):
        raise InputError("reservations.csv has no header that is known.", "Bring another.")
    assert news(folder)
    refuse(folder)
    assert not news(folder)
    (folder / "reservations.csv").write_text("mended")
    assert news(folder)


def test_one_s_own_files_are_news_in_the_place_of_a_sample_that_was_put_away(folder: Path) -> None:
    (folder / FLEETS).write_text("{}")
    for name in (MANIFEST, "reservations.csv", "vehicles.csv"):
        (folder / name).unlink()
    assert not news(folder)
    (folder / "reservations.csv").write_text("mine")
    assert news(folder)


def test_a_glob_never_takes_our_own_output_for_input(folder: Path) -> None:
    for name in ("datas.csv", "rejected.csv", "forecasts.csv", "track-record.csv", "oracle.csv", ".x.tmp"):
        (folder / name).write_text("ours")
    assert set(watched_inputs.states(folder, ["*", "*.csv"])) == {"reservations.csv", "vehicles.csv"}


@pytest.mark.parametrize("spelled", ["./reservations.csv", "/reservations.csv", ".//reservations.csv,"])
def test_a_file_is_watched_however_its_name_is_spelled(folder: Path, spelled: str) -> None:
    names = [spelled, "./vehicles.csv", "/blocks.csv"]
    assert not news(folder, names)
    (folder / "reservations.csv").write_text("another")
    assert news(folder, names)


@pytest.mark.parametrize("spelled", ["in//a.csv", "./in/a.csv", "in/./*.csv"])
def test_a_file_below_is_watched_however_its_name_is_spelled(folder: Path, spelled: str) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "a.csv").write_text("mine")
    assert news(folder, [spelled, "vehicles.csv", "blocks.csv"])


def test_a_damaged_note_makes_no_harm(folder: Path) -> None:
    (folder / "last-runs").mkdir()
    (folder / input_notes.CHECKED).write_text("{half")
    assert not news(folder)


def test_what_is_ours_is_told_by_its_place_and_a_like_name_is_not_ours(folder: Path) -> None:
    ours = ("other-fleets/a/reservations.csv", "report/gaps.csv", "horizon-7/datas.csv", "vehicle_keys.csv")
    for name in (*ours, "forecast-bookings.csv", "reports-2026.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    found = set(watched_inputs.states(folder, ["**/*.csv", "*.csv", "/reservations.csv"]))
    assert found == {"reservations.csv", "vehicles.csv", "forecast-bookings.csv", "reports-2026.csv"}


def test_files_that_are_good_again_are_news_until_a_check_took_the_refusal_back(folder: Path) -> None:
    good = (folder / "reservations.csv").read_text()
    (folder / "reservations.csv").write_text("damaged")
    refuse(folder)
    assert not news(folder)
    (folder / "reservations.csv").write_text(good)
    assert news(folder)
    with last_runs.noted(folder, "check"):
        pass
    assert not news(folder)


def test_a_file_that_cannot_be_read_is_left_to_the_check(folder: Path) -> None:
    (folder / "blocks.csv").symlink_to("/proc/self/mem")  # whoever asks, reading it from 0 fails
    assert watched_inputs.digests(folder, ["blocks.csv"]) == {"blocks.csv": watched_inputs.UNREADABLE}


def prepared_of(folder: Path, profile: str) -> None:
    """A table of what lies there."""
    found = watched_inputs.digests(folder, watched_inputs.states(folder, NAMES))
    inputs = {name: {"sha256": sha} for name, sha in found.items()}
    (folder / MANIFEST).write_text(json.dumps({"profile": profile, "inputs": inputs}))
    input_notes.taken(folder, found)


@pytest.mark.parametrize(
    ("profile", "name", "is_news"),
    [
        ("canonical", "blocks.csv", True),
        ("canonical", "vehicles.csv", False),
        ("canonical", "reservations.csv", False),
        ("turo_export", "blocks.csv", True),
        ("turo_export", "vehicles.csv", True),
        ("turo_export", "reservations.csv", False),
    ],
)
def test_a_file_that_is_gone_is_news_where_the_input_is_whole_without_it(
    folder: Path, profile: str, name: str, is_news: bool
) -> None:
    (folder / "blocks.csv").write_text("three")
    prepared_of(folder, profile)
    assert input_notes.state(folder).gone == []
    (folder / name).unlink()
    assert input_notes.state(folder).gone == [name]
    assert news(folder) is is_news
    if is_news:
        prepared_of(folder, profile)
        assert (news(folder), input_notes.state(folder).gone) == (False, [])


def test_without_reservations_nothing_is_news(folder: Path) -> None:
    (folder / "vehicles.csv").write_text("new")
    (folder / "reservations.csv").unlink()
    assert not news(folder)
    (folder / "reservations.csv").write_text("new")
    assert news(folder)
    several = ["reservations.csv,more.csv", "vehicles.csv", "blocks.csv"]
    assert not news(folder, several)
    (folder / "more.csv").write_text("more")
    assert news(folder, several)


def test_a_file_that_the_step_left_out_is_known_and_one_it_read_is_as_it_was_read(folder: Path) -> None:
    (folder / "blocks.csv").write_text("of the sample, left out")
    input_notes.taken(folder, watched_inputs.digests(folder, NAMES))
    assert not news(folder)
    (folder / "vehicles.csv").write_text("of yesterday")
    input_notes.taken(folder, watched_inputs.digests(folder, NAMES))  # another was read, says the manifest
    assert news(folder)


def test_a_later_preparation_ends_the_refusal_of_an_earlier_check(folder: Path) -> None:
    refuse(folder)
    input_notes.passed(folder, watched_inputs.states(folder, NAMES))
    assert input_notes.state(folder).passed_at
    with last_runs.noted(folder, "prepare"):
        prepared_of(folder, "canonical")
    assert [run.step for run in last_runs.read(folder)] == ["prepare"]
    assert not input_notes.state(folder).passed_at


@pytest.mark.parametrize("content", ['{"inputs": [1]}', '{"inputs": {"reservations.csv": 1}}', "[]", "{"])
def test_a_damaged_manifest_is_no_table(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content)
    assert not news(folder)
    assert input_notes.state(folder) == input_notes.InputState([])


def test_a_report_is_wanted_when_costs_come_change_or_go(folder: Path) -> None:
    def wanted() -> bool:
        found = watched_inputs.digests(folder, watched_inputs.states(folder, [*NAMES, "costs.csv"]))
        assert not watched_inputs.is_news(folder, found, NAMES)
        return watched_inputs.wants_report(folder, found, NAMES)

    def report() -> None:
        costs = watched_inputs.digests(folder, ["costs.csv"]).get("costs.csv", "")
        (folder / "report" / "made.json").write_text(json.dumps({"costs": costs}))

    (folder / "report").mkdir()
    (folder / "costs.csv").write_text("vehicle_id")
    assert not wanted()  # the first report reads it
    (folder / "report" / "made.json").write_text('{"form": 1}')  # of a release before
    assert wanted()
    report()
    assert not wanted()
    (folder / "costs.csv").write_text("vehicle_id,monthly_cost")
    assert wanted()
    report()
    (folder / "costs.csv").unlink()
    assert wanted()
    refuse(folder)
    assert not wanted()  # no report can be made of refused files
