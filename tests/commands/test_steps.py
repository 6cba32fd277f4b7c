"""Where commands note how they ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from typer.testing import Result

from turo.serving.front.pipeline_notes import pipeline_notes

Turo = Callable[..., Result]
NOW = datetime(2026, 11, 24, 6)


def test_a_failed_training_of_a_further_horizon_is_told_with_the_way_that_works(
    data: Path, turo: Turo
) -> None:
    """The DAG trains it on a table of its own below the data folder; people look at the folder itself."""
    (data / "horizon-7").mkdir()
    place: dict[str, object] = {"data_dir": str(data / "horizon-7"), "horizon_days": 7}
    assert turo("train", "XGBoost-7d", "--path", data / "no-project", **place).exit_code == 1
    (sentence,) = pipeline_notes(data, NOW).attention
    assert sentence.startswith("“train XGBoost-7d” failed on ")
    assert sentence.endswith("Then trigger forecast_fleet in Airflow.")
    assert not (data / "horizon-7" / "last-runs").exists()


def test_a_file_that_cannot_be_looked_at_does_not_stop_a_check_that_reads_the_others(
    data: Path, turo: Turo
) -> None:
    (data / "costs.csv").symlink_to("c" * 300)  # no file system has such a name: looking at it is an error
    checked = turo("check", "--noted")
    assert checked.exit_code == 0, checked.output
    assert '"news": true' in checked.output
    assert pipeline_notes(data, NOW).attention == []
