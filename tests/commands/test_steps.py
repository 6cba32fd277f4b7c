"""Where commands note how they ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import Result

from turo import settings
from turo.serving.front.pipeline_notes import pipeline_notes, watched

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


def test_where_nothing_starts_by_itself_the_home_page_promises_nothing(data: Path, turo: Turo) -> None:
    asked = watched(settings.load(watch_files=False, airflow_public_port=8080))
    assert turo("check", "--noted").exit_code == 0
    told = pipeline_notes(data, NOW, asked)
    assert told.under_way == []
    assert told.attention[0].endswith("else trigger it in Airflow (or run `turo prepare`).")
    (data / "reservations.csv").write_text("vehicle_id\n")
    assert turo("check", "--noted").exit_code == 1
    (refusal,) = pipeline_notes(data, NOW, asked).attention
    assert "by itself" not in refusal
    assert refusal.endswith("trigger new_files in Airflow (or run `turo check --noted`).")


@pytest.mark.parametrize(
    ("given", "by_itself"),
    [
        ({"airflow_public_port": 8080}, True),
        ({"service_urls": "airflow=https://airflow.example"}, True),
        ({"airflow_public_port": 8080, "watch_files": False}, False),
        ({}, False),  # the demo has no Airflow
    ],
)
def test_files_are_watched_where_an_airflow_does_it(given: dict[str, object], by_itself: bool) -> None:
    assert watched(settings.load(**given)).by_itself is by_itself
