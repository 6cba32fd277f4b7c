"""Fetched models lie in one place and do not pile up; broken-off fetches are taken away."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from turo.files import sha256_folder
from turo.registry.model_files import IN_USE_S, KEPT, LOADER, fetch

LONG_AGO = time.time() - 10 * IN_USE_S


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def get(model_uri: str, target: Path) -> None:
    """A model with one file, which says which it is."""
    (target / "data").mkdir(parents=True)
    (target / "data" / "model.json").write_text(json.dumps(model_uri))
    flavor = {"loader_module": LOADER, "data": "data"}
    (target / "MLmodel").write_text(yaml.safe_dump({"flavors": {"python_function": flavor}}))


def digest(folder: Path, model_uri: str) -> str:
    get(model_uri, folder / model_uri)
    return sha256_folder(folder / model_uri / "data")


def test_of_each_model_the_versions_used_last_stay(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    apart, folders = tmp_path_factory.mktemp("digests"), []
    for version in range(8):
        for name in ("A", "Long-Name"):
            uri = f"{name}-{version}"
            folder = fetch(uri, uri, digest(apart, uri), get)
            assert json.loads((folder / "data" / "model.json").read_text()) == uri
            os.utime(folder, (LONG_AGO + version, LONG_AGO + version))
            folders.append(folder)
    (cache,) = temporary.iterdir()
    fetch("A-0", "A-0", digest(tmp_path_factory.mktemp("again"), "A-0"), get)  # was removed: fetched anew
    names = sorted(path.name.rsplit("-", 1)[0] for path in cache.iterdir())
    newest = range(8 - KEPT, 8)
    assert names == sorted(["A-0", *(f"A-{v}" for v in newest[1:]), *(f"Long-Name-{v}" for v in newest)])


def test_what_may_still_be_read_stays(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    apart = tmp_path_factory.mktemp("digests")
    folders = [fetch(f"A-{v}", f"A-{v}", digest(apart, f"A-{v}"), get) for v in range(2 * KEPT)]
    assert all(folder.exists() for folder in folders)


def test_fetches_that_were_broken_off_are_taken_away(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = fetch("A-1", "A-1", digest(tmp_path_factory.mktemp("digests"), "A-1"), get)
    old, busy = folder.parent / ".fetch-old", folder.parent / ".fetch-busy"
    for path in (old, busy):
        (path / "model").mkdir(parents=True)
    os.utime(old, (LONG_AGO, LONG_AGO))
    fetch("A-2", "A-2", digest(tmp_path_factory.mktemp("digests"), "A-2"), get)
    assert (old.exists(), busy.exists(), folder.exists()) == (False, True, True)
