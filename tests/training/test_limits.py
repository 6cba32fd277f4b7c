"""Hold-outs and tables at the edge: exact books, constant targets, silent baselines, columns that collide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from exact_books import exact_books
from tiny_forecaster import equal_shares
from training_table import frame, takehome_frame, write

from turo import settings
from turo.errors import ConfigError, TrainingError
from turo.models.kinds import REGRESSORS
from turo.registry.client import client
from turo.training import artifacts, training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.scores import measure
from turo.training.project import Options, Project
from turo.training.recipe import Recipe
from turo.training.run import run
from turo.training.run_facts import describe

SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"rounds": 5, "max_depth": 2},
    "catboost": {"iterations": 5, "depth": 2},
    "svr": {"components": 10},
    "knn": {"neighbours": 5, "dimensions": 4},
}
SMALL["ensemble"] = equal_shares(SMALL)
KNN = Project(kind="knn", summary="Neighbours.", params=SMALL["knn"])


def read(folder, target="auto"):
    return training_rows.read(settings.load(data_dir=str(folder)), target)


def reports(data, kind, folder):
    """All that a run writes for people, without its MLflow."""
    recipe = Recipe.of(data, kind, SMALL[kind], seed=1)
    result = backtest(data, recipe)
    scores = measure(data, result, kind)
    project = Project(kind=kind, summary="A model.", params=SMALL[kind])
    facts = describe(kind, project, dict(SMALL[kind]), Options(), data)
    facts |= {"code_version": "1", "functional": recipe.functional}
    final = artifacts.final_model(recipe.fit(data.columns(), data.y), data, recipe, result, facts)
    artifacts.write_reports(artifacts.Outcome(data, result, scores, final, facts), folder)
    return result, scores, final


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exact")
    write(folder, exact_books(), rows={"finished_trips": 240})
    return folder


@pytest.mark.parametrize("kind", REGRESSORS)
def test_books_that_never_change_are_a_result_for_every_kind_of_model(kind, exact, tmp_path):
    data = read(exact)
    np.testing.assert_allclose(data.y, data.rows["otb_days"].to_numpy(), atol=1e-9)
    result, scores, final = reports(data, kind, tmp_path / "reports")
    figures = scores.figures
    assert figures["baseline_best_mae"] == 0.0
    assert figures["mae"] == pytest.approx(0.0, abs=1e-6)
    assert abs(figures["fleet_bias"]) < 1e-6
    assert "improvement" not in figures
    assert "the best baseline is exact here" in (tmp_path / "reports" / "model_card.md").read_text()
    assert (result.holdout["low"] <= result.holdout["prediction"]).all()
    final.save(tmp_path / "model")
    again = type(final).load(tmp_path / "model")
    np.testing.assert_allclose(again.predict(data.columns()), data.y, atol=1e-6)


def test_a_whole_run_ends_well_where_nothing_is_left_to_learn(tracking):
    write(tracking / "datas", exact_books(), rows={"finished_trips": 240})
    project = Project(kind="catboost", summary="Trees.", params=SMALL["catboost"])
    run_id = run(project, dict(project.params), Options(model_name="CatBoost"), settings.load())
    found = client().get_run(run_id)
    assert found.info.status == "FINISHED"
    assert found.data.metrics["baseline_best_mae"] == 0.0
    assert np.isfinite(list(found.data.metrics.values())).all()


@pytest.mark.parametrize("kind", REGRESSORS)
def test_a_fleet_without_any_booking_is_forecast_to_stay_empty(kind, tmp_path):
    """Every total is zero, every column on the books constant."""
    empty = frame().with_columns(
        pl.when(pl.col(name).is_not_null()).then(0.0).alias(name)
        for name in ("y_booked_days", "otb_days", "otb_trips", "hist_days_28", "lag_1", "lag_52w")
    )
    write(tmp_path / "datas", empty, rows={"finished_trips": 200})
    result, scores, _ = reports(read(tmp_path / "datas"), kind, tmp_path / "reports")
    assert result.holdout["prediction"].abs().max() < 1e-6
    assert scores.lines["model"]["mae"] < 1e-6
    assert "wape" not in scores.figures
    assert "fleet_bias" not in scores.figures


def priced_in_part(share: float) -> pl.DataFrame:
    """Revenue on the books is known for a share of the vehicles only."""
    last = f"v{round(12 * share):03d}"
    return frame().with_columns(
        otb_revenue=pl.when(pl.col("vehicle_id") < last).then(pl.col("otb_days") * 45.0),
        y_revenue=pl.col("y_revenue") * pl.when(pl.col("vehicle_id") < last).then(1.0).otherwise(3.0),
    )


def test_model_and_baselines_are_compared_on_the_rows_that_all_have(tmp_path):
    write(tmp_path, priced_in_part(0.75))
    data = read(tmp_path, "y_revenue")
    result = backtest(data, Recipe.of(data, "knn", SMALL["knn"], seed=1))
    scores = measure(data, result, "KNN")
    known = result.holdout.filter(pl.col("otb_revenue").is_not_null())
    assert scores.figures["holdout_rows"] == 12 * 12
    assert scores.figures["holdout_rows_compared"] == len(known) == 9 * 12
    for key, column in (("model", "prediction"), ("last_28_days", "baseline_last_28_days")):
        assert scores.lines[key]["mae"] == pytest.approx((known["y"] - known[column]).abs().mean())
    assert scores.left_out == ()


def test_a_baseline_that_is_mostly_silent_does_not_shrink_the_comparison(tmp_path):
    write(tmp_path / "datas", priced_in_part(0.25))
    data = read(tmp_path / "datas", "y_revenue")
    _, scores, _ = reports(data, "knn", tmp_path / "reports")
    curves = ("curve_additive", "curve_multiplicative", "curve_survival")
    assert scores.left_out == ("on_the_books", "books_and_pickup", *curves)
    assert scores.figures["holdout_rows_compared"] == scores.figures["holdout_rows"]
    assert np.isnan(scores.lines["on_the_books"]["mae"])
    assert scores.best_baseline not in scores.left_out
    card = (tmp_path / "reports" / "model_card.md").read_text()
    left_out = ", ".join(scores.titles[key] for key in scores.left_out)
    assert left_out.startswith("On the books only, On the books + mean pickup, Booking curve (additive)")
    assert f"Left out, for lack of a value on most rows: {left_out}." in card
    assert "144 of 144 hold-out rows" in card


def test_take_home_vehicles_with_a_class_are_drawn_by_class(tracking):
    classes = pl.Series("class", [("suv", "car", None)[number % 3] for number in range(200)])
    write(tracking / "datas", takehome_frame().with_columns(classes), profile="turo_takehome")
    run_id = run(KNN, dict(KNN.params), Options(), settings.load())
    assert client().get_run(run_id).info.status == "FINISHED"
    drawn = {Path(item.path).stem for item in client().list_artifacts(run_id, "plots")}
    assert "error_by_class" in drawn


def test_what_would_fail_after_the_fitting_is_refused_before(tmp_path):
    write(tmp_path, frame().with_columns(prediction=pl.lit(1.0), low=pl.lit(0.0)))
    data = read(tmp_path)
    with pytest.raises(TrainingError, match=r"named like the forecasts of the hold-out: low, prediction\."):
        artifacts.check(data, "knn")
    with pytest.raises(ConfigError, match="'prophet'"):
        artifacts.check(replace(data, features=("otb_days",)), "prophet")


def test_the_target_of_the_settings_is_trained_and_an_explicit_one_wins(tracking, monkeypatch):
    write(tracking / "datas", frame())
    monkeypatch.setenv("TARGET", "y_reservations")
    trained = (
        run(KNN, dict(KNN.params), options, settings.load())
        for options in (Options(), Options(target="y_booked_days"))
    )
    tags = [client().get_run(run_id).data.tags["turo.target"] for run_id in trained]
    assert tags == ["y_reservations", "y_booked_days"]
