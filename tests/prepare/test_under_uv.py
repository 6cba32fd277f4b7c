"""`uv run turo …`: Ray must start its workers as we were started, not by uv in a copy of the project."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from turo.data.synthetic.generate import write_sample


@pytest.mark.ray
def test_prepare_works_under_uv_run(tmp_path: Path) -> None:
    folder = tmp_path / "datas"
    write_sample(folder, vehicles=3, years=1, seed=5, end=datetime(2026, 11, 24), horizons=())
    # Ray looks for a parent whose command line is `uv run …`; this shell has one, and there is no uv.
    (tmp_path / "run").write_text('"$@"\nexit $?\n')
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'fleet'\nversion = '1'\n")
    command = [sys.executable, "-c", "from turo.cli import main; main()", "prepare"]
    done = subprocess.run(
        ["uv", "run", *command],
        executable="/bin/bash",
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "DATA_DIR": str(folder), "AS_OF": "2026-11-23"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1].removeprefix("TURO_RESULT "))["rows"]["prepared"] > 0
