"""What PostgreSQL's server is told to run: it ends with 1 where its disk is nearly full, and only then."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from turo.operate.ask.postgres import ROOM

GIB = 1 << 20  # in KiB


@pytest.mark.parametrize(
    ("total", "free", "code"),
    [
        (1000 * GIB, 90 * GIB, 0),  # 91 % in use, and room for weeks
        (1000 * GIB, 2 * GIB, 0),
        (1000 * GIB, GIB // 2, 1),
        (4 * GIB, GIB // 2, 0),
        (4 * GIB, GIB // 10, 1),
    ],
)
def test_full_is_what_it_is_on_all_disks(tmp_path: Path, total: int, free: int, code: int) -> None:
    assert ended(tmp_path, f"echo Filesystem\necho overlay {total} {total - free} {free} 91% /\n") == code


def test_a_server_without_df_is_not_called_full(tmp_path: Path) -> None:
    assert ended(tmp_path, "exit 127\n") == 3


def ended(place: Path, df: str) -> int:
    (place / "df").write_text(f"#!/bin/sh\n{df}")
    (place / "df").chmod(0o755)
    told = re.fullmatch(r"COPY \(SELECT 1\) TO PROGRAM '(.*)'", ROOM)
    assert told
    command = told[1].replace("''", "'")
    path = f"{place}:{os.environ['PATH']}"
    return subprocess.run(["sh", "-c", command], input="1\n", text=True, env={"PATH": path}).returncode
