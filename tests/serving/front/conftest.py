"""One small fleet with a forecast, made once; every test gets a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fleet_pages import Pages, with_forecasts
from hand_fleet import write_fleet


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = write_fleet(tmp_path_factory.mktemp("front") / "datas")
    with_forecasts(settings)
    return Path(settings.data_dir)


@pytest.fixture
def datas(made_once: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own."""
    return Path(shutil.copytree(made_once, tmp_path / "datas"))


@pytest.fixture
def pages(datas: Path) -> Pages:
    return Pages(str(datas))
