"""Two forecasts of one data folder: the first start's, a DAG's, a person's."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hand_registry import forecasts, register

from turo.errors import ServiceError
from turo.forecast.fleet_forecast import run
from turo.forecast.horizon_tables import data_folder
from turo.patience import Patience
from turo.settings import Settings
from turo.table.lock import FORECAST, PREPARE, exclusive

HOLDS = """
import sys
from pathlib import Path
from turo.table.lock import FORECAST, exclusive
with exclusive(Path(sys.argv[1]), FORECAST):
    print("forecasting", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Another forecast under way, in a process of its own."""
    command = [sys.executable, "-c", HOLDS, str(data_folder(settings))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "forecasting\n"
        yield process
        process.kill()


def test_a_second_forecast_waits_for_the_first_however_that_ends(
    settings: Settings,
    other: subprocess.Popen[str],
    registry_uri: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings.model_copy(update={"mlflow_tracking_uri": registry_uri})
    register("XGBoost", 28, tmp_path)
    folder = data_folder(settings)
    pauses: list[bool] = []

    def pause(_: float) -> None:  # the second one has asked, and waits
        pauses.append((folder / "forecasts.csv").exists())
        os.kill(other.pid, signal.SIGKILL)
        other.wait()

    monkeypatch.setattr("turo.forecast.fleet_forecast.A_FORECAST", Patience(1.0, 60.0, sleep=pause))
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, settings, horizons=(28,)).result()["models"] == {"XGBoost": "1"}
    assert pauses == [False]
    assert f"Another forecast is writing to {folder}: this one waits for it" in caplog.text
    assert len(forecasts(settings))


def test_where_patience_ends_the_error_names_who_writes(
    settings: Settings, other: subprocess.Popen[str]
) -> None:
    folder = data_folder(settings)
    told = f'Another forecast is writing to .*"pid": {other.pid}'
    with pytest.raises(ServiceError, match=told), exclusive(folder, FORECAST):
        pass
    with exclusive(folder, PREPARE):  # a step of another kind goes its own way
        pass
