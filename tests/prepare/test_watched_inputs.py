"""Which input files are news: by content, against what was prepared and what was checked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from turo import last_runs
from turo.errors import InputError
from turo.prepare import watched_inputs
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
        folder, watched_inputs.digests(folder, watched_inputs.states(folder, names))
    )


def test_what_was_prepared_is_no_news_nor_is_a_touch(folder: Path) -> None:
    assert not news(folder)
    os.utime(folder / "reservations.csv", (1, 1))
    assert not news(folder)


@pytest.mark.parametrize("name", NAMES)
def test_another_content_or_another_file_is_news_until_it_was_checked(folder: Path, name: str) -> None:
    (folder / name).write_text("another")
    assert news(folder)
    watched_inputs.remember(folder, watched_inputs.digests(folder, NAMES))
    assert not news(folder)
    (folder / name).write_text("replaced while it was checked")
    assert news(folder)


def test_before_the_first_table_nothing_is_news(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    assert not news(folder)


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


def test_a_damaged_note_makes_no_harm(folder: Path) -> None:
    (folder / "last-runs").mkdir()
    (folder / watched_inputs.CHECKED).write_text("{half")
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
    with pytest.raises(InputError), last_runs.noted(folder, "check"):
        watched_inputs.remember(folder, watched_inputs.digests(folder, NAMES))
        raise InputError("Line 2 is no booking.", "Mend it.")
    assert not news(folder)
    (folder / "reservations.csv").write_text(good)
    assert news(folder)
    with last_runs.noted(folder, "check"):
        pass
    assert not news(folder)


def test_a_file_that_cannot_be_read_is_left_to_the_check(folder: Path) -> None:
    (folder / "blocks.csv").symlink_to("/proc/self/mem")  # whoever asks, reading it from 0 fails
    assert watched_inputs.digests(folder, ["blocks.csv"]) == {"blocks.csv": watched_inputs.UNREADABLE}
