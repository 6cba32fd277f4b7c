"""Nothing of the hold-out reaches a model that is judged on it; all forecasts stand on the same rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from tiny_forecaster import equal_shares
from training_table import frame, takehome_frame, write

from turo import settings
from turo.files import sha256_folder
from turo.models.kinds import REGRESSORS
from turo.table.names import QUANTILE_NAMES
from turo.training import training_rows
from turo.training.evaluation.backtest import backtest, plan_of
from turo.training.evaluation.scores import measure
from turo.training.recipe import Recipe, take

SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"rounds": 8, "max_depth": 3},
    "catboost": {"iterations": 8, "depth": 3},
    "svr": {"components": 20},
    "knn": {"neighbours": 5, "dimensions": 4},
}
SMALL["ensemble"] = equal_shares(SMALL)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datas")
    write(folder, frame())
    return training_rows.read(settings.load(data_dir=str(folder)))


def digest(model, folder):
    model.save(folder)
    return sha256_folder(folder)


@pytest.mark.parametrize("kind", REGRESSORS)
def test_no_value_of_the_holdout_moves_the_evaluated_model(kind, data, tmp_path):
    """Neither targets nor features: scalings, medians, categories, cut points come from training rows."""
    recipe = Recipe.of(data, kind, SMALL[kind], seed=1)
    holdout = plan_of(data).holdout
    assert holdout is not None
    held_out = pl.Series(np.isin(np.arange(len(data.rows)), holdout.test))
    wild = data.rows.with_columns(
        pl.when(held_out).then(pl.col("y_booked_days").reverse()).otherwise(pl.col("y_booked_days")),
        pl.when(held_out).then(1e6).otherwise(pl.col("hist_days_28")).alias("hist_days_28"),
        pl.when(held_out).then(pl.lit("Ferrari")).otherwise(pl.col("make")).alias("make"),
    )
    first = backtest(data, recipe)
    second = backtest(replace(data, rows=wild), recipe)
    assert first.model is not None
    assert second.model is not None
    assert digest(first.model, tmp_path / "first") == digest(second.model, tmp_path / "second")
    assert first.model.fields == second.model.fields
    assert not np.array_equal(first.holdout["y"].to_numpy(), second.holdout["y"].to_numpy())


@pytest.mark.parametrize("kind", REGRESSORS)
def test_the_same_seed_gives_the_same_model(kind, data, tmp_path):
    recipe = Recipe.of(data, kind, SMALL[kind], seed=1)
    first, second = (recipe.fit(data.columns(), data.y) for _ in range(2))
    np.testing.assert_array_equal(first.predict(data.columns()), second.predict(data.columns()))


def test_the_holdout_says_what_the_model_itself_answers(data):
    result, holdout = backtest(data, Recipe.of(data, "knn", SMALL["knn"], seed=1)), plan_of(data).holdout
    assert result.model is not None
    assert holdout is not None
    columns = take(data.columns(), holdout.test)
    told = result.model.outlook(columns)
    assert told.quantiles is not None
    for name, values in (
        ("prediction", result.model.predict(columns)),
        ("mean", told.mean),
        ("low", told.low),
        ("high", told.high),
        *zip(QUANTILE_NAMES, told.quantiles.T, strict=True),
    ):
        np.testing.assert_array_equal(result.holdout[name].to_numpy(), values, name)
    np.testing.assert_array_equal(
        result.levels["level"][-len(columns["make"]) :], result.model.level(columns)
    )


def test_model_and_baselines_add_to_what_can_be_expected_to_be_still_booked(data):
    frame = data.rows.with_columns(otb_days_alive=pl.col("otb_days") * 0.9)
    told = replace(data, rows=frame, features=(*data.features, "otb_days_alive"))
    result = backtest(told, Recipe.of(told, "knn", SMALL["knn"], seed=1))
    assert result.model is not None
    assert result.model.offset == "otb_days_alive"
    assert "otb_days_alive" in [field.name for field in result.model.fields]
    expected = result.holdout["otb_days"].to_numpy() * 0.9
    assert result.baselines["on_the_books"] == pytest.approx(expected)


def test_every_forecast_stands_on_the_same_rows_and_the_model_adds_to_the_books(data):
    result = backtest(data, Recipe.of(data, "knn", SMALL["knn"], seed=1))
    assert set(result.baselines) == {
        "last_28_days", "last_year", "on_the_books", "books_and_pickup", "class_mean",
        "curve_additive", "curve_multiplicative", "curve_survival",
    }  # fmt: skip
    assert len(result.holdout) == 12 * 12
    assert result.model is not None
    assert result.model.offset == "otb_days"
    assert result.holdout["prediction"].is_between(0, 28).all()
    scores = measure(data, result, "KNN")
    assert scores.figures["mae"] < scores.figures["baseline_on_the_books_mae"]
    assert scores.figures["mae"] == pytest.approx(
        (result.holdout["y"] - result.holdout["prediction"]).abs().mean()
    )
    assert 0.5 < scores.figures["interval_coverage"] <= 1.0
    assert scores.best_baseline in result.baselines
    told = {name: scores.figures[f"baseline_{name}_mae"] for name in result.baselines}
    assert min(told, key=lambda name: told[name]) == scores.best_baseline


def test_the_oracle_is_scored_when_it_covers_the_rows(data):
    keys = ["vehicle_id", "origin_date", "horizon_days"]
    truth = data.rows.select(*keys, (pl.col("y_booked_days") + 0.5).alias("y_booked_days_median"))
    recipe = Recipe.of(data, "knn", SMALL["knn"], seed=1)
    known = measure(replace(data, oracle=truth), backtest(data, recipe), "KNN")
    assert known.figures["oracle_mae"] == pytest.approx(0.5)
    partly = measure(replace(data, oracle=truth.head(10)), backtest(data, recipe), "KNN")
    assert "oracle_mae" not in partly.figures


def test_mase_of_trips_in_a_week_is_measured_in_weeks(tmp_path):
    """The fallback for vehicles without a last year is a rate over 28 days, whatever the window is."""
    weekly = frame(horizon=7).with_columns(
        lag_52w_trips=pl.lit(None, pl.Float64),
        hist_trips_28=pl.lit(8.0),
        y_reservations=pl.when(pl.col("y_reservations").is_not_null()).then(3.0),
    )
    write(tmp_path, weekly)
    data = training_rows.read(settings.load(data_dir=str(tmp_path)), "y_reservations")
    assert backtest(data, Recipe.of(data, "knn", SMALL["knn"], seed=1)).scale == pytest.approx(1.0)


def test_cold_start_is_measured_on_young_vehicles_only(data):
    young = data.rows.with_columns(
        tenure_days=pl.when(pl.col("vehicle_id") == "v000").then(10.0).otherwise(900.0)
    )
    result = backtest(replace(data, rows=young), Recipe.of(data, "knn", SMALL["knn"], seed=1))
    mine = result.holdout.filter(pl.col("vehicle_id") == "v000")
    lines = measure(data, result, "KNN").lines
    assert lines["model"]["mae_cold_start"] == pytest.approx((mine["y"] - mine["prediction"]).abs().mean())


def test_without_dates_every_row_is_forecast_by_a_model_that_has_not_seen_it(tmp_path):
    write(tmp_path, takehome_frame(), profile="turo_takehome")
    data = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(data, Recipe.of(data, "knn", SMALL["knn"], seed=1))
    assert result.model is None
    assert result.metric == "rmse"
    assert result.holdout["vehicle_id"].to_list() == data.rows["vehicle_id"].to_list()
    expected = np.empty(len(data.y))
    for split in plan_of(data).folds:
        expected[split.test] = data.y[split.train].mean()
    np.testing.assert_allclose(result.baselines["mean"], expected)
    figures = measure(data, result, "KNN").figures
    assert {"cv_rmse", "baseline_mean_rmse", "baseline_linear_rmse"} <= set(figures)
    assert figures["baseline_mean_rmse"] == pytest.approx(np.sqrt(((data.y - expected) ** 2).mean()))
