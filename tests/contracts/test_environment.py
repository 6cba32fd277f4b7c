"""What the Makefile's targets install into .venv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from compose_file import REPOSITORY


def sync(folder: Path) -> str:
    """The command by which `make demo` brings the environment of `folder` to a new lock."""
    shutil.copy(REPOSITORY / "Makefile", folder)
    (folder / "uv.lock").touch()
    told = subprocess.run(
        ["make", "-n", ".venv/.ml", "UV=uv"], cwd=folder, capture_output=True, text=True, check=True
    )
    return next(line for line in told.stdout.splitlines() if line.startswith("uv sync"))


def test_what_the_lock_no_longer_names_leaves_at_once(tmp_path: Path) -> None:
    """Left behind, mlflow-skinny would later take along the files that it shares with mlflow."""
    assert "--inexact" not in sync(tmp_path)
    assert "--extra ml" in sync(tmp_path)


def test_an_environment_with_everything_keeps_everything(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".all").touch()
    (tmp_path / "uv.lock").touch()
    assert "--all-extras --all-groups" in sync(tmp_path)


def test_no_process_of_ray_builds_a_grammar_at_its_start() -> None:
    """With rfc3987-syntax installed jsonschema builds one of the whole of Unicode: 1.7 s in every process."""
    asked = "import sys, ray; print('rfc3987_syntax' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.split()[-1] == "False"
