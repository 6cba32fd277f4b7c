"""The threshold below which no change is forecast: learnt from unseen rows, kept by the saved model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from training_table import frame, write

from turo import settings
from turo.models.forecaster import Forecaster
from turo.models.kinds import REGRESSORS
from turo.training import training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.threshold import learn_threshold
from turo.training.recipe import Recipe

SMALL = {
    "xgboost": {"rounds": 40, "max_depth": 3},
    "catboost": {"iterations": 40, "depth": 3},
    "svr": {"components": 40},
    "knn": {"neighbours": 15, "dimensions": 4},
}


def test_the_threshold_with_the_least_loss_by_hand():
    books = np.array([0.0, 0.0, 0.0, 0.0, 5.0])
    predicted = np.array([0.1, 0.2, 0.5, 2.0, 5.0])
    threshold = learn_threshold(np.array([0.0, 0.0, 0.4, 3.0, 5.0]), predicted, books, "mae")
    # The first two changes cost 0.3, the third gains 0.3, the fourth 2; midway, for sizes yet to come.
    assert threshold == pytest.approx(0.35)
    assert learn_threshold(predicted, predicted, books, "mae") == 0.0
    everything = learn_threshold(books, predicted, books, "mae")
    assert everything > 2.0
    same_size = learn_threshold(np.array([0.0, 1.0, 1.0]), np.ones(3), np.zeros(3), "mae")
    assert same_size == 0.0  # changes of one size stand or fall together


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """In most windows the books do not change; six vehicles of thirty always get three days more."""
    folder = tmp_path_factory.mktemp("datas")
    rows = frame(vehicles=30).with_columns(
        news=pl.when(pl.col("vehicle_id") < "v006").then(3.0).otherwise(0.0)
    )
    noise = pl.Series(np.random.default_rng(3).choice([0.0, 2.0], len(rows), p=[0.85, 0.15]))
    labelled = pl.col("y_booked_days").is_not_null()
    rows = rows.with_columns(
        y_booked_days=pl.when(labelled).then((pl.col("otb_days") + pl.col("news") + noise).clip(0, 28))
    )
    write(folder, rows)
    return training_rows.read(settings.load(data_dir=str(folder)))


@pytest.mark.parametrize("kind", REGRESSORS)
def test_a_vehicle_whose_books_will_not_change_is_forecast_to_stay_as_it_is(quiet, kind, tmp_path):
    recipe = Recipe.of(quiet, kind, SMALL[kind], seed=1)
    result = backtest(quiet, recipe)
    assert result.model is not None
    assert result.model.threshold == result.threshold
    still = result.holdout.filter(pl.col("news") == 0.0)
    assert np.mean(still["prediction"].to_numpy() == still["otb_days"].to_numpy()) > 0.9
    raw = replace(result.model, threshold=0.0).predict(
        {name: result.holdout[name].to_numpy() for name in quiet.features}
    )
    y = result.holdout["y"].to_numpy()
    assert np.abs(y - result.holdout["prediction"].to_numpy()).mean() <= np.abs(y - raw).mean() + 1e-9
    result.model.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    columns = quiet.columns()
    np.testing.assert_array_equal(loaded.predict(columns), result.model.predict(columns))


def test_a_model_saved_without_a_threshold_has_none(quiet, tmp_path):
    Recipe.of(quiet, "knn", SMALL["knn"], seed=1).fit(quiet.columns(), quiet.y).save(tmp_path / "model")
    path = tmp_path / "model" / "forecaster.json"
    document = json.loads(path.read_text())
    del document["dead_zone"]
    path.write_text(json.dumps(document))
    assert Forecaster.load(tmp_path / "model").threshold == 0.0
