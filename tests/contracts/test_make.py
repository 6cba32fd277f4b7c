"""`make demo` and `make test` on a machine whose Python is too old: fetched, or what to install is said."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools import REPOSITORY

UV = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2" in
"python find") exit 1 ;;
"python install") exit {fetched} ;;
esac
"""


def make(folder: Path, fetched: int) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """`make .venv/.ml`, the first step of both, where uv finds no Python, and can or cannot fetch one."""
    (folder / ".venv").mkdir()
    for name in ("Makefile", "uv.lock"):
        shutil.copy(REPOSITORY / name, folder)
    uv, log = folder / ".uv/bin/uv", folder / "log"
    uv.parent.mkdir(parents=True)
    uv.write_text(UV.format(log=log, fetched=fetched))
    uv.chmod(0o755)
    # What a make or a uv around this test hands on would choose another uv.
    own = {name: value for name, value in os.environ.items() if name not in ("UV", "MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", ".venv/.ml"], cwd=folder, env=own, capture_output=True, text=True, check=False
    )
    return done, log.read_text().splitlines()


def test_without_a_fitting_python_one_is_fetched(tmp_path: Path) -> None:
    done, calls = make(tmp_path, fetched=0)
    assert done.returncode == 0, done.stderr
    assert calls[:2] == ["python find", "python install 3.13"]
    assert calls[2].startswith("sync --frozen")


def test_where_none_can_be_fetched_it_says_what_to_install(tmp_path: Path) -> None:
    done, calls = make(tmp_path, fetched=1)
    assert done.returncode == 2
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert "apt install python3.12" in done.stderr
    assert calls == ["python find", "python install 3.13"], "nothing is installed with another Python"
    assert not (tmp_path / ".venv/.ml").exists()
