"""Programs that are not Python packages, found on PATH or in `.tools` (put there by `.ci/go-tools.sh`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def program(name: str) -> str:
    """Path of a program; without it the test is skipped, in CI it fails."""
    found = shutil.which(name, path=f"{REPOSITORY / '.tools'}{os.pathsep}{os.environ['PATH']}")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed (.ci/go-tools.sh .tools)")
    return found
