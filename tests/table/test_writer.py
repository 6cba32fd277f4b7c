"""All files together or none: killed writers, full disks, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import fs

from turo.errors import ServiceError
from turo.table import writer as table_writer
from turo.table.names import OUTPUTS
from turo.table.writer import staged

WRITER = """
import sys, time
from turo.table.writer import staged
with staged(sys.argv[1]) as sinks:
    for sink in sinks.values():
        sink.write(b"half of a new fi")
        sink.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".prepare.lock"}


def write(location, text: bytes) -> None:
    with staged(str(location)) as sinks:
        for name, sink in sinks.items():
            sink.write(text + name.encode())


def test_every_file_takes_its_place(tmp_path):
    write(tmp_path / "new", b"1 ")
    assert contents(tmp_path / "new") == {name: b"1 " + name.encode() for name in OUTPUTS}


def test_an_error_leaves_the_old_files_and_nothing_else(tmp_path):
    write(tmp_path, b"1 ")
    before = contents(tmp_path)
    with pytest.raises(ZeroDivisionError), staged(str(tmp_path)) as sinks:
        sinks["datas.csv"].write(b"2")
        raise ZeroDivisionError
    assert contents(tmp_path) == before


@pytest.fixture
def writer(tmp_path):
    write(tmp_path, b"1 ")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_and_told_who_writes(writer, tmp_path):
    with pytest.raises(ServiceError, match=f'"pid": {writer.pid}'):
        write(tmp_path, b"2 ")


def test_after_a_kill_the_old_files_are_whole_and_the_next_run_cleans_up(writer, tmp_path):
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    found = contents(tmp_path)
    assert {name: found[name] for name in OUTPUTS} == {name: b"1 " + name.encode() for name in OUTPUTS}
    assert len(found) == 2 * len(OUTPUTS)
    write(tmp_path, b"3 ")
    assert contents(tmp_path) == {name: b"3 " + name.encode() for name in OUTPUTS}


def test_temporary_files_of_others_are_left_alone(tmp_path):
    other = tmp_path / ".forecasts.csv.01234567.tmp"
    other.write_text("being written")
    write(tmp_path, b"1 ")
    assert other.exists()


def test_a_full_disk_is_named_and_the_old_files_stay(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        write(disk, b"1 ")
        before = contents(disk)
        with pytest.raises(ServiceError, match="ENOSPC"), staged(str(disk)) as sinks:
            sinks["datas.parquet"].write(bytes(3 << 20))
        assert contents(disk) == before
        write(disk, b"2 ")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_object_store_gets_whole_files(tmp_path, monkeypatch):
    # Any file system that is not the local one; this one keeps its objects in a folder.
    (tmp_path / "bucket").mkdir()
    waiting: list[int] = []

    class Store(fs.SubTreeFileSystem):
        def move(self, source: str, target: str) -> None:
            waiting.append(len(list((tmp_path / "bucket" / "datas").glob("*.tmp"))))
            super().move(source, target)

    store = Store(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(table_writer, "folder", lambda location: (store, "bucket/datas"))
    write("s3://bucket/datas", b"1 ")
    assert waiting == list(range(len(OUTPUTS), 0, -1))  # all are there before the first takes its name
    assert contents(tmp_path / "bucket" / "datas") == {name: b"1 " + name.encode() for name in OUTPUTS}
