"""A reader sees rows and manifest of one table, while tables are replaced under it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import pytest
from marked_table import mark_of, put
from pyarrow import fs

from turo.errors import InputError
from turo.patience import Patience
from turo.table import reader
from turo.table import writer as table_writer
from turo.table.names import MANIFEST, PARQUET
from turo.table.writer import staged

REPLACED = 200
SUPPORT = Path(__file__).parents[1] / "support"
IN_A_PROCESS = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
from marked_table import mark_of
from turo.table import reader
seen = set()
while {REPLACED} not in seen:
    seen.add(mark_of(reader.read(sys.argv[1])))
    print(len(seen), flush=True)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    put(tmp_path, 0)
    command = [sys.executable, "-c", IN_A_PROCESS, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    yield started
    for process in started:
        process.kill()
        process.wait()


def line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def test_200_tables_are_replaced_while_three_processes_read(
    tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    def replace() -> None:
        for mark in range(1, REPLACED + 1):
            put(tmp_path, mark)

    for process in processes:
        assert line(process.stdout) == "1\n"
    seen, writing = [mark_of(reader.read(str(tmp_path)))], True
    writer = threading.Thread(target=replace, daemon=True)
    writer.start()
    while writing:
        writing = writer.is_alive()
        seen.append(mark_of(reader.read(str(tmp_path))))
    assert seen == sorted(seen)
    assert seen[-1] == REPLACED
    assert len(set(seen)) > 2
    for process in processes:
        told = process.communicate()[0].split()
        assert process.returncode == 0
        assert int(told[-1]) > 2


def test_a_disk_slower_than_a_reader_is_patient_stands_between_no_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, 1)
    flush, seen = os.fsync, list[int]()

    def slow(descriptor: int) -> None:
        flush(descriptor)
        seen.append(mark_of(reader.read(str(tmp_path))))  # as long as whoever reads meanwhile needs or waits

    monkeypatch.setattr(os, "fsync", slow)
    put(tmp_path, 2)
    assert seen == [1, 1]  # both files are on disk before the first takes its place
    assert mark_of(reader.read(str(tmp_path))) == 2


def test_what_was_read_stays_as_it_was(tmp_path: Path) -> None:
    put(tmp_path, 1)
    old = reader.read(str(tmp_path))
    put(tmp_path, 2)
    assert (mark_of(old), mark_of(reader.read(str(tmp_path)))) == (1, 2)


def test_behind_a_url_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "datas", 3)
    assert mark_of(reader.read((tmp_path / "datas").as_uri())) == 3
    # Any file system that is not the local one; this one keeps its objects in a folder.
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    for module in (table_writer, reader):
        monkeypatch.setattr(module, "folder", lambda location: (store, "datas"))
    put("s3://bucket/datas", 1)
    old = reader.read("s3://bucket/datas")
    (tmp_path / "datas" / PARQUET).write_bytes(b"written over, as no rename would")
    assert mark_of(old) == 1
    put("s3://bucket/datas", 2)
    assert mark_of(reader.read("s3://bucket/datas")) == 2


def half_replaced(folder: Path) -> bytes:
    """A table whose rows are new and whose manifest is old; returns the manifest that is to come."""
    put(folder / "next", 2)
    put(folder, 1)
    with staged(str(folder), (PARQUET,)) as sinks:
        sinks[PARQUET].write((folder / "next" / PARQUET).read_bytes())
    return (folder / "next" / MANIFEST).read_bytes()


def test_a_manifest_that_comes_late_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = half_replaced(tmp_path)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        with staged(str(tmp_path), (MANIFEST,)) as sinks:
            sinks[MANIFEST].write(late)

    monkeypatch.setattr(reader, "Patience", partial(Patience, sleep=sleep))
    assert mark_of(reader.read(str(tmp_path))) == 2
    assert waited == [reader.PAUSE_S]


def test_a_table_that_stays_half_replaced_is_refused(tmp_path: Path) -> None:
    half_replaced(tmp_path)
    odd = r"datas\.parquet is not the file that manifest\.json describes"
    with pytest.raises(InputError, match=odd) as told:
        reader.read(str(tmp_path))
    assert "Run `turo prepare`" in told.value.remedy
