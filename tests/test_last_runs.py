"""How steps ended: kept by step, whatever they raise; a folder that cannot be written to stops no step."""

from __future__ import annotations

from pathlib import Path

import pytest

from turo import last_runs
from turo.errors import InputError


def test_each_step_keeps_how_it_ended_last(tmp_path: Path) -> None:
    with pytest.raises(InputError), last_runs.noted(tmp_path, "train XGBoost"):
        (running,) = last_runs.read(tmp_path)
        assert not running.ended
        raise InputError("No rows.", "Bring some.")
    with last_runs.noted(tmp_path, "prepare"):
        pass
    told = {run.step: run for run in last_runs.read(tmp_path)}
    assert told["train XGBoost"].problem == "No rows. Bring some."
    assert told["prepare"].ended
    assert not told["prepare"].problem
    with last_runs.noted(tmp_path, "train XGBoost"):
        pass
    assert not any(run.problem for run in last_runs.read(tmp_path))


def test_a_folder_that_cannot_be_written_to_stops_no_step(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / last_runs.FOLDER).write_text("a file in the way")
    with last_runs.noted(tmp_path, "forecast"):
        done = True
    assert done
    assert "How forecast ended cannot be kept" in caplog.text
