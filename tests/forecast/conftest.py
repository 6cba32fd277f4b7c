"""The small fleet as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_fleet import write_fleet

from turo.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Names a data folder with the hand-made fleet."""
    return write_fleet(tmp_path / "datas")
