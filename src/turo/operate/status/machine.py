"""Disk and memory of the machine that asks: in a container the memory is the host's."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Room:
    """How much of something is left, in bytes; None where the machine does not tell."""

    name: str
    free: int | None
    total: int | None


def rooms(data_dir: str, memory: Path = MEMORY) -> list[Room]:
    """The disk that the data folder lies on, and the memory."""
    found = list[Room]()
    if "://" not in data_dir and Path(data_dir).is_dir():
        disk = shutil.disk_usage(data_dir)
        found.append(Room(f"disk of {data_dir}", disk.free, disk.total))
    return [*found, _memory(memory)]


def _memory(told: Path) -> Room:
    """Linux tells what can still be had; other systems only how much there is."""
    if told.is_file():
        sizes = {
            name: int(size) << 10 for name, size in re.findall(r"(?m)^(\w+): +(\d+) kB$", told.read_text())
        }
        return Room("memory", sizes.get("MemAvailable"), sizes.get("MemTotal"))
    return Room("memory", None, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
