"""Drift of the fleet forecast as the exporter hears of it: honest Mondays, planted shifts, what is away."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from honest_fleet import HORIZON, prepared, trained

from turo.forecast.output.inputs_file import FILE
from turo.monitoring.batch_drift_watch import LEAST_VEHICLES, BatchDriftWatch
from turo.monitoring.drift_watch import SOON_S
from turo.monitoring.statsd import Sample
from turo.table.model_columns import feature_columns

WORLDS = [(60, 44), (80, 14), (100, 42), (120, 7)]  # vehicles, seed; the second has a season that misleads
MONDAYS = 51  # the newest of each: 204 in all
TRAINED_EVERY = 4  # of them


def write(folder: Path, rows: pl.DataFrame, name: str = "KNN", horizon_days: int = HORIZON) -> None:
    """As a forecast leaves it; a second model is added to what is there."""
    owned = rows.select(feature_columns(rows.columns)).with_columns(
        forecast_model=pl.lit(name),
        forecast_version=pl.lit("4"),
        forecast_run_id=pl.lit(f"run-{name}"),
        forecast_horizon_days=pl.lit(horizon_days, pl.Int32),
    )
    before = [pl.read_parquet(folder / FILE)] if (folder / FILE).exists() else []
    pl.concat([*before, owned]).write_parquet(folder / FILE)


def watching(folder: Path, reference: dict[str, Any]) -> BatchDriftWatch:
    return BatchDriftWatch(str(folder), lambda _: reference)


def drifted(samples: list[Sample]) -> set[str]:
    told = {(sample.name, sample.labels["feature"]): sample.value for sample in samples}
    return {
        feature
        for (name, feature), limit in told.items()
        if name == "forecast_feature_psi_limit" and told["forecast_feature_psi", feature] > limit
    }


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world[0]} vehicles, seed {world[1]}")
def test_honest_mondays_are_no_drift(world: tuple[int, int], tmp_path: Path) -> None:
    table = prepared(tmp_path, *world)
    asked: list[date] = table["origin_date"].unique().sort().to_list()[-MONDAYS:]
    judged = 0
    for number, monday in enumerate(asked):
        if number % TRAINED_EVERY == 0:
            reference = trained(table, monday)
        (tmp_path / FILE).unlink(missing_ok=True)
        write(tmp_path, table.filter(origin_date=monday))
        found = watching(tmp_path, reference).samples(0.0)
        assert drifted(found) == set(), monday
        judged += any(sample.name == "forecast_feature_psi_limit" for sample in found)
    assert judged == MONDAYS


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return prepared(tmp_path_factory.mktemp("fleet"), 120, 7)


@pytest.fixture(scope="module")
def reference(table: pl.DataFrame) -> dict[str, Any]:
    return trained(table, max(table["origin_date"].to_list()))


@pytest.fixture
def newest(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(origin_date=table["origin_date"].max())


def test_a_planted_shift_is_named_with_its_horizon_and_nothing_else(
    tmp_path: Path, newest: pl.DataFrame, reference: dict[str, Any]
) -> None:
    write(tmp_path, newest.with_columns(pl.col("base_price_day") * 3))
    found = watching(tmp_path, reference).samples(0.0)
    assert drifted(found) == {"base_price_day"}
    assert {(one.labels["model"], one.labels["horizon_days"]) for one in found} == {("KNN", "28")}


def test_few_vehicles_are_counted_but_not_judged(
    tmp_path: Path, newest: pl.DataFrame, reference: dict[str, Any]
) -> None:
    write(tmp_path, newest.head(LEAST_VEHICLES - 1))
    found = watching(tmp_path, reference).samples(0.0)
    assert {one.name for one in found} == {"forecast_feature_samples"}


def test_models_are_looked_at_in_turn_repeated_and_forgotten_with_the_file(
    tmp_path: Path, newest: pl.DataFrame, reference: dict[str, Any]
) -> None:
    asked = list[str]()

    def told(run_id: str) -> dict[str, Any]:
        asked.append(run_id)
        return reference

    watch = BatchDriftWatch(str(tmp_path), told)
    assert watch.samples(0.0) == []
    write(tmp_path, newest)
    write(tmp_path, newest, "KNN-90d", 90)
    names = [{one.labels["model"] for one in watch.samples(now)} for now in (15.0, 30.0, 45.0)]
    assert names == [{"KNN"}, {"KNN", "KNN-90d"}, {"KNN", "KNN-90d"}]
    assert asked == ["run-KNN", "run-KNN-90d"]
    (tmp_path / FILE).unlink()
    assert watch.samples(60.0) == []


def test_what_cannot_be_known_is_said_once_and_tried_again(
    tmp_path: Path, newest: pl.DataFrame, reference: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, newest)
    answers = iter([ConnectionError("MLflow is away")] * 2)

    def away_twice(run_id: str) -> dict[str, Any]:
        for error in answers:
            raise error
        return reference

    watch = BatchDriftWatch(str(tmp_path), away_twice)
    with caplog.at_level(logging.WARNING):
        assert watch.samples(0.0) == watch.samples(SOON_S - 1) == watch.samples(SOON_S) == []
    assert caplog.text.count("Drift of the fleet forecast is not known: MLflow is away") == 1
    assert watch.samples(2 * SOON_S)


def test_a_damaged_file_is_said_and_its_successor_is_read(
    tmp_path: Path, newest: pl.DataFrame, reference: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_text("PAR1 cut off")
    watch = watching(tmp_path, reference)
    with caplog.at_level(logging.WARNING):
        assert watch.samples(0.0) == []
    assert "Drift of the fleet forecast is not known" in caplog.text
    (tmp_path / FILE).unlink()
    write(tmp_path, newest)
    assert watch.samples(SOON_S)


def test_a_model_whose_reference_is_gone_does_not_hold_up_the_others(
    newest: pl.DataFrame, reference: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def of(run: str) -> dict[str, Any]:
        if run != "run-SVR":
            raise ValueError(f"{run} has no reference")
        return reference

    for name in ("KNN", "XGBoost", "SVR"):
        write(tmp_path, newest, name)
    watch = BatchDriftWatch(str(tmp_path), of)
    for number in range(9):
        found = watch.samples(number * SOON_S)
    assert {sample.labels["model"] for sample in found} == {"SVR"}
    assert caplog.text.count("has no reference") == 2
