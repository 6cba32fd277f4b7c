"""Which input files are news: by content, against what was prepared and what was checked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from turo.prepare import watched_inputs
from turo.table.names import MANIFEST

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


def test_a_glob_never_takes_our_own_output_for_input(folder: Path) -> None:
    for name in ("datas.csv", "rejected.csv", "forecasts.csv", "track-record.csv", "oracle.csv", ".x.tmp"):
        (folder / name).write_text("ours")
    assert set(watched_inputs.states(folder, ["*", "*.csv"])) == {"reservations.csv", "vehicles.csv"}


def test_a_damaged_note_makes_no_harm(folder: Path) -> None:
    (folder / "last-runs").mkdir()
    (folder / watched_inputs.CHECKED).write_text("{half")
    assert not news(folder)
