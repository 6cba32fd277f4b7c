"""One Ray for the replays, and a small fleet whose history is just long enough."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from turo.data.synthetic.generate import write_sample
from turo.prepare.ray_tasks import connected


@pytest.fixture(scope="session")
def local_ray():
    """Ray in this process's care; `turo.replay.run` uses what it finds connected."""
    with connected("local"):
        yield


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """Input files of 14 vehicles over fourteen months; copy before use.

    Two vehicles leave the fleet after the Mondays that the tests replay.
    """
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, vehicles=14, years=1.2, seed=5, end=datetime(2026, 11, 24), horizons=())
    lines = (folder / "vehicles.csv").read_text().splitlines()
    place = lines[0].split(",").index("listed_to")
    for number in (1, 2):
        cells = lines[number].split(",")
        cells[place] = "2026-11-20"
        lines[number] = ",".join(cells)
    (folder / "vehicles.csv").write_text("\n".join(lines) + "\n")
    return folder
