"""The test that leaves the process changed is the one that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import logging, os, sys, tempfile, types
import pytest

@pytest.fixture(scope="module", autouse=True)
def held():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HELD", "for all of them")
        yield

@pytest.fixture
def lent(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

def test_that_puts_back(lent, monkeypatch):
    monkeypatch.setenv("OF_IT", "x")
    assert os.environ["HELD"]

def test_variable():
    os.environ["LEFT"] = "secret"

def test_folder(tmp_path):
    os.chdir(tmp_path)

def test_files():
    tempfile.tempdir = "/elsewhere"

def test_silence():
    logging.disable(logging.CRITICAL)

def test_mlflow():
    name = "mlflow.tracking._tracking_service.utils"
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name]._tracking_uri = "sqlite:///gone.db"

@pytest.mark.ray
def test_of_a_ray():
    os.environ["RAY_X"] = "stays"

def test_behind_them(caplog):
    assert "LEFT" not in os.environ
    logging.getLogger("x").warning("heard")
    assert caplog.messages == ["heard"]
"""


@pytest.fixture
def told(tmp_path: Path) -> str:
    """What pytest says of those tests under this folder's conftest."""
    here = Path(__file__).parent
    shutil.copy(here / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {here / 'support'}\nmarkers = ray\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_who_changes_the_process_fails_and_nobody_else(told: str) -> None:
    failed = {line.split("::")[1].split()[0] for line in told.splitlines() if line.startswith("ERROR ")}
    assert failed == {f"test_{what}" for what in ("variable", "folder", "files", "silence", "mlflow")}, told
    assert "8 passed, 5 errors" in told
    for line in (
        "the variable LEFT",
        "tempfile.tempdir: '/elsewhere', before ",
        "logging.root.manager.disable: 50, before 0",
        "_tracking_service.utils._tracking_uri: 'sqlite:///gone.db', before None",
    ):
        assert line in told
    assert "secret" not in told
