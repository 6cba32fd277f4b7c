"""Disk and memory."""

from __future__ import annotations

import os
from pathlib import Path

from turo.operate.status.machine import Room, rooms


def test_memory_as_linux_tells_it(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text(
        "MemTotal:       16384 kB\nMemFree:  12 kB\nMemAvailable:    8192 kB\nHugePages_Total:   0\n"
    )
    disk, memory = rooms(str(tmp_path), told)
    assert memory == Room("memory", 8 << 20, 16 << 20)
    assert disk.name == f"disk of {tmp_path}"
    assert disk.total == os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize


def test_a_system_that_tells_only_how_much_there_is(tmp_path: Path) -> None:
    (memory,) = rooms(str(tmp_path / "absent"), tmp_path / "none")
    assert memory.free is None
    assert memory.total is not None
    assert memory.total > 1 << 28
