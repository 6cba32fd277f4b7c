"""`turo forecast` with a real MLflow registry: which models it takes, what it writes back to their runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, prepared, write_table

from turo import registry
from turo.errors import ConfigError, RegistryError
from turo.forecast import live
from turo.forecast.run import run
from turo.models.encoding import encode
from turo.models.kinds import regressor
from turo.settings import Settings
from turo.training.artifacts import log_forecaster
from turo.training.table import arrays


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The hand-made fleet, and a registry of its own."""
    import mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("models", artifact_location=str(tmp_path / "artifacts"))
    mlflow.set_experiment("models")
    return settings.model_copy(update={"mlflow_tracking_uri": uri})


def register(name: str, horizon: int, folder: Path, *, below_baseline: bool = False) -> registry.Version:
    """Train in a moment, log, register, make champion, as training and gate do."""
    import mlflow

    forecaster = make_champion(horizon).forecaster
    rows = prepared(ORIGIN, horizon)
    columns = arrays(rows, ("otb_days", "class"))
    model = regressor("xgboost")(rounds=2, max_depth=2).fit(
        encode(forecaster.fields, columns), np.full(4, 2.0)
    )
    with mlflow.start_run() as active:
        mlflow.log_metrics({"mae": 2.0, "baseline_on_the_books_mae": 4.0, "baseline_best_mae": 4.0})
        trained = replace(forecaster, kind="xgboost", model=model)
        tags = log_forecaster(trained, rows, folder / f"{name}-{active.info.run_id}")
        mlflow.set_tags({**tags, "turo.data_digest": "digest", "turo.horizon_days": str(horizon)})
    version = registry.register(active.info.run_id, name)
    registry.set_tags(version, {"turo.below_baseline": str(below_baseline).lower()})
    registry.set_champion(version)
    return version


def test_each_horizon_has_a_champion_of_its_own_name(settings: Settings, tmp_path: Path) -> None:
    register("XGBoost", 28, tmp_path)
    register("XGBoost-7d", 7, tmp_path, below_baseline=True)
    told = run(settings, horizons=(7, 28, 90))
    assert told["models"] == {"XGBoost-7d": "1", "XGBoost": "1"}
    assert (told["vehicles"], told["rows"], told["origin"]) == (3, 6, ORIGIN)
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert "No forecast for 90 days: No table for 90 days" in page
    assert "XGBoost-7d version 1 (7 days) did not beat the best baseline" in page
    table = pl.read_csv(Path(settings.data_dir) / "forecasts.csv")
    assert dict(table.select("model", "below_baseline").unique().rows()) == {
        "XGBoost": False,
        "XGBoost-7d": True,
    }


def test_live_errors_are_metrics_of_the_version_that_made_the_forecast(
    settings: Settings, tmp_path: Path
) -> None:
    first = register("XGBoost", 28, tmp_path)
    run(settings, horizons=(28,))
    expected = pl.read_csv(
        Path(settings.data_dir) / "forecasts.csv", schema_overrides={"vehicle_id": pl.String}
    )
    actuals = expected.select("vehicle_id", actual=pl.col("expected") - 1.5)
    second = register("XGBoost", 28, tmp_path)
    labelled = (
        prepared(ORIGIN, 28)
        .join(actuals, "vehicle_id", how="left")
        .with_columns(y_booked_days=pl.col("actual"))
        .drop("actual")
    )
    write_table(Path(settings.data_dir), pl.concat([labelled, prepared(ORIGIN + timedelta(weeks=4), 28)]))
    for _ in range(2):  # a repeat adds nothing
        assert run(settings, horizons=(28,))["measured"] == 1
    metrics = registry.client().get_run(first.run_id).data.metrics
    assert metrics["live_mae"] == pytest.approx(1.5, abs=1e-3)
    assert metrics["live_bias"] == pytest.approx(1.5, abs=1e-3)
    assert len(registry.client().get_metric_history(first.run_id, "live_mae")) == 1
    assert "live_mae" not in registry.client().get_run(second.run_id).data.metrics


def test_a_better_measurement_of_the_same_origin_is_what_mlflow_shows(
    settings: Settings, tmp_path: Path
) -> None:
    """Late cancellations change what an origin's window turned out to be: the error may become smaller."""
    version = register("XGBoost", 28, tmp_path)
    measured = {
        "run_id": [version.run_id] * 2,
        "origin_date": [ORIGIN - timedelta(weeks=1), ORIGIN],
        "mae": [3.0, 2.5],
        "bias": [0.5, 1.0],
        "wape": [None, 0.4],
        "coverage": [0.8, 0.9],
    }
    live.log(pl.DataFrame(measured))
    live.log(pl.DataFrame(measured | {"mae": [3.0, 1.25], "bias": [0.5, -1.0]}))
    live.log(pl.DataFrame(measured | {"mae": [2.0, 1.25], "bias": [0.5, -1.0]}))  # an older origin again
    live.log(pl.DataFrame(measured | {"mae": [2.0, 1.25], "bias": [0.5, -1.0]}))
    shown = registry.client().get_run(version.run_id).data.metrics
    found = {name: shown[f"live_{name}"] for name in live.NAMES}
    assert found == {"mae": 1.25, "bias": -1.0, "wape": 0.4, "coverage": 0.9}
    count = {n: len(registry.client().get_metric_history(version.run_id, f"live_{n}")) for n in live.NAMES}
    assert count == {"mae": 4, "bias": 3, "wape": 1, "coverage": 2}  # what did not change was not repeated


def test_no_champion_at_all_is_an_error_that_names_the_model(settings: Settings) -> None:
    with pytest.raises(RegistryError, match="Model XGBoost has no champion"):
        run(settings, horizons=(7, 28))


def test_a_champion_of_another_horizon_is_refused(settings: Settings, tmp_path: Path) -> None:
    register("XGBoost", 7, tmp_path)
    with pytest.raises(ConfigError, match="forecasts 7 days, not 28"):
        run(settings, horizons=(28,))
