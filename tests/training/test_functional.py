"""Which number a model answers, median or mean: trained, logged, answered, and judged by what fits it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from training_table import frame, takehome_frame, write

from turo import settings
from turo.errors import ConfigError
from turo.gate import promote as gate
from turo.models.forecaster import Forecaster
from turo.registry import aliases, versions
from turo.registry.client import Version, client
from turo.registry.holdout_share import IN_EVERY_RELEASE, share
from turo.training import training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.scores import measure
from turo.training.project import Options, Project
from turo.training.recipe import Recipe
from turo.training.run import run

PARAMS = {"neighbours": 7, "dimensions": 4}
KNN = Project("knn", "Neighbours.", {**PARAMS, "reference_rows": 500})


def trained(functional: str, name: str = "M") -> str:
    return run(KNN, dict(KNN.params), Options(model_name=name, functional=functional), loaded())


def loaded() -> settings.Settings:
    return settings.load()


@pytest.fixture
def folder(tracking: Path) -> Path:
    write(tracking / "datas", frame())
    return tracking


def artifact(run_id: str, path: str) -> Path:
    return Path(client().download_artifacts(run_id, path))


def test_a_model_of_means_answers_and_is_judged_by_them(folder):
    run_id = trained("mean")
    found = client().get_run(run_id)
    metrics = found.data.metrics
    assert found.data.params["functional"] == "mean"
    assert found.data.tags["turo.metric"] == "rmse"  # what GET /<NAME> tells the functional by
    holdout = pl.read_parquet(artifact(run_id, "holdout.parquet"))
    assert holdout["prediction"].to_list() == holdout["mean"].to_list()
    assert (holdout["prediction"] != holdout["q50"]).any()
    error = (holdout["prediction"] - holdout["y"]).to_numpy()
    assert metrics["rmse"] == metrics["mean_rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    median = (holdout["q50"] - holdout["y"]).abs().mean()
    assert metrics["median_mae"] == pytest.approx(median)
    assert metrics["improvement"] == pytest.approx(1 - metrics["rmse"] / metrics["baseline_best_rmse"])
    medians, actual = holdout["q50"].to_numpy().sum(), holdout["y"].to_numpy().sum()
    assert metrics["fleet_bias_median"] == pytest.approx(medians / actual - 1)
    assert "a prediction is the mean of what may come true" in artifact(run_id, "model_card.md").read_text()

    model = versions.load(versions.register(run_id, "M"))
    columns = training_rows.read(loaded()).columns()
    np.testing.assert_array_equal(model.predict(columns), model.mean(columns))
    np.testing.assert_array_equal(model.predict(columns), model.outlook(columns).forecast)
    alone = {name: values[5:6] for name, values in columns.items()}
    assert model.predict(alone)[0] == model.predict(columns)[5]


def test_median_and_mean_are_two_answers_of_the_same_fit(tracking):
    write(tracking / "datas", frame(vehicles=30, weeks=90))  # enough to know distributions before the folds
    data = training_rows.read(loaded())
    median, mean = (
        backtest(data, Recipe.of(data, "knn", PARAMS, 1, functional)) for functional in ("median", "mean")
    )
    same = ["mean", "q50", "crps", "place"]
    assert median.holdout.select(same).equals(mean.holdout.select(same))
    assert (median.metric, mean.metric) == ("mae", "rmse")
    assert median.holdout["prediction"].to_list() == mean.holdout["q50"].to_list()
    assert (median.folds["prediction"] != mean.folds["prediction"]).any()
    auto = backtest(data, Recipe.of(data, "knn", PARAMS, 1))
    assert auto.holdout.equals(median.holdout)
    first, second = measure(data, median, "M").figures, measure(data, mean, "M").figures
    for name in ("median_mae", "mean_rmse", "baseline_best_mae", "baseline_best_rmse", "crps", "fleet_bias"):
        assert first[name] == second[name]


def test_means_are_held_against_the_true_means(folder):
    data = training_rows.read(loaded())
    keys = ["vehicle_id", "origin_date", "horizon_days"]
    days = pl.col("y_booked_days")
    truth = data.rows.select(*keys, (days + 0.25).alias("y_booked_days_median"), days + 0.5)
    known = replace(data, oracle=truth)
    recipe = Recipe.of(known, "knn", PARAMS, 1, "mean")
    assert measure(known, backtest(known, recipe), "M").figures["oracle_rmse"] == pytest.approx(0.5)


def test_without_dates_medians_can_be_asked_for(tracking):
    write(tracking / "datas", takehome_frame(), profile="turo_takehome")
    run_id = trained("median")
    assert client().get_run(run_id).data.tags["turo.metric"] == "mae"
    holdout = pl.read_parquet(artifact(run_id, "holdout.parquet"))
    assert holdout["prediction"].to_list() == holdout["q50"].to_list()
    assert (holdout["prediction"] != holdout["mean"]).any()
    model = versions.load(versions.register(run_id, "M"))
    columns = training_rows.read(loaded()).columns()
    np.testing.assert_array_equal(model.mean(columns), model.level(columns))
    np.testing.assert_array_equal(model.predict(columns), model.outlook(columns).median)


def test_another_functional_is_refused_by_name(folder):
    with pytest.raises(ConfigError, match=r"functional 'mode'.*Choose median, mean or auto"):
        trained("mode")


def test_means_saved_before_there_was_a_choice_stay_the_level(folder, tmp_path):
    data = training_rows.read(loaded())
    columns = data.columns()
    before = replace(Recipe.of(data, "knn", PARAMS, 1, "mean"), loss="squared").fit(columns, data.y)
    before.save(tmp_path)
    document = tmp_path / "forecaster.json"
    told = document.read_text()
    assert '"loss": "squared",\n' in told
    document.write_text(told.replace(' "loss": "squared",\n', ""))
    np.testing.assert_array_equal(Forecaster.load(tmp_path).predict(columns), before.level(columns))


def held_against(champion: str, candidate: str) -> str:
    gate.promote("M", trained(champion), "", loaded())
    return gate.promote("M", trained(candidate), "", loaded()).reason


@pytest.mark.parametrize(("champion", "candidate"), [("median", "mean"), ("mean", "median")])
def test_the_gate_asks_both_for_what_the_candidate_answers(folder, champion, candidate):
    """The same fit: neither is better, whatever the two of them answer."""
    reason = held_against(champion, candidate)
    assert f"does not lose to champion 1 (both asked for the {candidate}): " in reason
    loss, incumbent_loss = reason.split("): ")[1].split(" on ")[0].split(" against ")
    assert loss == incumbent_loss
    assert f"({'mae' if candidate == 'median' else 'rmse'} " in reason
    champion_now = aliases.champion("M")
    assert champion_now is not None
    assert champion_now.version == "2"


def test_medians_and_means_of_one_table_stand_in_a_comparison_each(folder):
    """Side by side they would be ranked by an error that one of them was not made for."""
    runs = {}
    for name, functional in (("A", "median"), ("B", "mean"), ("C", "median"), ("D", "mean")):
        runs[name] = trained(functional, name)
        gate.promote(name, runs[name], "", loaded())
    for names, metric, own in (("AC", "mae", "median_mae"), ("BD", "rmse", "mean_rmse")):
        told = [artifact(runs[name], "all_models/comparison.json").read_text() for name in names]
        assert told[0] == told[1]
        lines = json.loads(told[0])
        models = {line["name"]: line for line in lines if line["key"] == "model"}
        assert sorted(models) == list(names)
        assert all(model[own] == model[metric] for model in models.values())
        errors = [line[metric] for line in lines]
        assert errors == sorted(errors)
    # The baselines are the same; only their order and the models beside them differ.
    both = [json.loads(artifact(runs[name], "all_models/comparison.json").read_text()) for name in "AB"]
    of_medians, of_means = ({line["key"]: line for line in lines if line["key"] != "model"} for lines in both)
    assert of_medians == of_means


def test_the_gate_compares_out_of_fold_forecasts_of_the_same_functional(tracking):
    write(tracking / "datas", takehome_frame(), profile="turo_takehome")
    reason = held_against("mean", "median")
    assert "(both asked for the median)" in reason
    loss, incumbent_loss = reason.split("): ")[1].split(" on ")[0].split(" against ")
    assert loss == incumbent_loss


def test_the_best_model_is_found_whatever_each_answers(folder):
    found = [versions.register(trained(functional), "M") for functional in ("median", "mean")]
    assert share(found[0]) == pytest.approx(share(found[1]))
    figures = found[0].metrics
    plain = min(figures[f"baseline_{name}_mae"] for name in IN_EVERY_RELEASE)
    assert share(found[0]) == figures["mae"] / plain
    assert plain > figures["baseline_best_mae"], "a release with fewer baselines would seem better"
    before = {key: value for key, value in figures.items() if "curve_" not in key} | {
        "baseline_best_mae": plain
    }
    assert share(replace(found[0], metrics=before)) == share(found[0])
    older = replace(found[1], metrics={"rmse": 3.0, "baseline_best_rmse": 4.0})
    assert isinstance(older, Version)
    assert share(older) == 0.75
