"""Files: whole or not at all, and every forecast kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import make_champion

from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.output.store import read_history, write_csv
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)
KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
import polars as pl
from turo.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    pl.DataFrame({"vehicle_id": ["half"]}).write_csv(temporary)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "forecasts.csv"
    write_csv(pl.DataFrame({"vehicle_id": ["old"]}), path)
    script = textwrap.dedent(KILLED_WRITER)
    killed = subprocess.run([sys.executable, "-c", script, str(path)], env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "vehicle_id\nold\n"
    write_csv(pl.DataFrame({"vehicle_id": ["new"]}), path)
    assert path.read_text() == "vehicle_id\nnew\n"


def test_a_full_disk_leaves_every_old_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_champion(28)], NOW)
    names = ("forecasts.csv", "forecast-totals.csv", "report.html", "forecast-accuracy.csv")
    before = {name: (folder / name).read_bytes() for name in names}

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        forecast_fleet(settings, [make_champion(28, version="4")], NOW)
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert not list(folder.rglob("*.tmp"))


def test_each_version_and_origin_is_kept_once(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    forecast_fleet(settings, [make_champion(28)], NOW)  # made again: replaced
    forecast_fleet(settings, [make_champion(28, version="4")], NOW)
    kept = read_history(folder)
    assert sorted(kept.group_by("model", "version").len().rows()) == [
        ("XGBoost", "3", 3),
        ("XGBoost", "4", 3),
        ("XGBoost-7d", "3", 3),
    ]
    assert sorted(path.name for path in (folder / "forecasts-history").iterdir()) == [
        "2026-11-23.XGBoost-7d.v3.parquet",
        "2026-11-23.XGBoost.v3.parquet",
        "2026-11-23.XGBoost.v4.parquet",
    ]


def test_history_of_an_older_release_is_read_with_what_it_has(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    path = folder / "forecasts-history" / "2026-11-16.XGBoost.v1.parquet"
    made.drop("advice", "mean", "method").rename({"median": "expected"}).write_parquet(path)
    kept = read_history(folder)
    assert len(kept) == 6
    for name in ("advice", "mean", "method"):
        assert kept.head(3)[name].null_count() == 3
        assert kept.tail(3)[name].to_list() == made[name].to_list()
    assert kept["median"].to_list() == [9.5, 28.0, 2.0] * 2  # what was called `expected` was a median
