"""Fetched models lie in one place and do not pile up; broken-off fetches are taken away."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from turo.errors import RegistryError
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


def test_what_is_asked_for_while_it_is_being_removed_is_there_afterwards(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, remove = tmp_path_factory.mktemp("digests"), shutil.rmtree
    digests = {f"A-{v}": digest(apart, f"A-{v}") for v in range(KEPT + 2)}
    folders = [fetch(uri, uri, sha256, get) for uri, sha256 in digests.items()]
    for age, folder in enumerate(folders):
        os.utime(folder, (LONG_AGO + age, LONG_AGO + age))
    asked: list[Path] = []

    def begin_meanwhile(path: str | Path, *rest: Any, **more: Any) -> None:
        if not asked and (Path(path) / "MLmodel").exists():  # an old version goes, no folder of a fetch
            monkeypatch.setattr(shutil, "rmtree", remove)
            asked.append(fetch("A-0", "A-0", digests["A-0"], get))
        remove(path, *rest, **more)

    monkeypatch.setattr(shutil, "rmtree", begin_meanwhile)
    fetch(uri := f"A-{KEPT + 1}", uri, digests[uri], get)
    (folder,) = asked
    assert json.loads((folder / "data" / "model.json").read_text()) == "A-0"


def test_a_damaged_copy_is_fetched_anew_and_a_damaged_original_refused(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sha256 = digest(tmp_path_factory.mktemp("digests"), "A-1")
    folder = fetch("A-1", "A-1", sha256, get)
    (folder / "data" / "model.json").unlink()
    assert sha256_folder(fetch("A-1", "A-1", sha256, get) / "data") == sha256
    with pytest.raises(RegistryError, match=r"files of A-2 have SHA-256"):
        fetch("another", "A-2", sha256, get)


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
