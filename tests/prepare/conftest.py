"""One small Ray for all tests of prepare, and a small fleet in a folder."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from turo.data.synthetic.generate import write_sample
from turo.prepare.ray_tasks import connected


@pytest.fixture(scope="session")
def local_ray():
    """Ray in this process's care; `turo.prepare.run` uses what it finds connected."""
    with connected("local"):
        yield


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """Input files of 9 vehicles over a year and a half; copy before use."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, vehicles=9, years=1.5, seed=3, end=datetime(2026, 11, 24), horizons=())
    return folder


@pytest.fixture
def data(sample, tmp_path) -> Path:
    """A fresh data folder with the sample's input files."""
    target = tmp_path / "datas"
    shutil.copytree(sample, target)
    return target
