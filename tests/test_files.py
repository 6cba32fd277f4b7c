"""Atomic writes and digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from turo.files import atomic_path, remove_leftovers, sha256, sha256_folder


def test_a_finished_write_replaces_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "datas.csv"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "datas.csv"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("ha")
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_leftovers_of_a_killed_writer_are_removed_and_nothing_else(tmp_path: Path) -> None:
    killed = tmp_path / ".datas.csv.0a1b2c3d.tmp"
    kept = [tmp_path / "datas.csv", tmp_path / ".gitkeep", tmp_path / "notes.tmp"]
    for path in [killed, *kept]:
        path.write_text("x")
    assert remove_leftovers(tmp_path) == [killed]
    assert all(path.exists() for path in kept)


def test_digests_follow_content_and_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"1").hexdigest()
    first = sha256_folder(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert sha256_folder(tmp_path) != first
