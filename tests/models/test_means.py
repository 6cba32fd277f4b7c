"""What is added up: means beside medians, and reservations and revenue that follow from expected days."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_forecaster import HORIZON, as_saved_earlier, tiny_columns, tiny_forecaster

from turo.models.derived import ARITHMETIC, RESERVATIONS, Derivation, weights
from turo.models.forecaster import Forecaster
from turo.models.mean_shift import MeanShift

SHIFT = MeanShift(np.array([10.0]), np.array([-3.0, 1.5]))
DERIVATION = Derivation(
    days="otb_days",
    trips="otb_trips",
    revenue_books="otb_revenue",
    trip_days=4.0,
    price=50.0,
    reservations=(0.5, 0.1, 1.0, 0.25),
    revenue=(1.1, 0.02),
)


def test_the_mean_residual_of_a_level_by_hand():
    predicted = np.repeat([1.0, 20.0], 60)
    y = predicted + np.tile([0.0, 0.0, 6.0], 40) * (predicted < 10)
    shift = MeanShift.fit(y, predicted)
    np.testing.assert_allclose(shift.at(np.array([0.0, 1.0, 20.0, 25.0])), [2.0, 2.0, 0.0, 0.0])


def test_sums_of_skewed_outcomes_are_right_where_medians_are_too_low():
    generator = np.random.default_rng(1)
    level = generator.uniform(0, 20, 8000)
    outcome = level + np.where(generator.random(8000) < 0.3, generator.exponential(5, 8000), 0.0)
    shift = MeanShift.fit(outcome[:4000], level[:4000])
    asked, came = level[4000:], outcome[4000:]
    assert asked.sum() / came.sum() - 1 < -0.1
    assert (asked + shift.at(asked)).sum() / came.sum() - 1 == pytest.approx(0.0, abs=0.015)


@pytest.mark.parametrize("rows", [1, 59, 400])
def test_equal_forecasts_and_few_rows_give_the_average(rows):
    shift = MeanShift.fit(np.full(rows, 7.0), np.full(rows, 5.0))
    np.testing.assert_allclose(shift.at(np.array([0.0, 5.0, 9.0])), 2.0)


def test_a_mean_may_lie_below_the_books_but_not_outside_what_is_possible():
    model = replace(as_saved_earlier(tiny_forecaster()), mean_shift=SHIFT, threshold=99.0)
    columns = tiny_columns(500, seed=3)
    mean, level = model.mean(columns), model.level(columns)
    np.testing.assert_array_equal(model.predict(columns), columns["otb_days"])  # every change is dropped
    assert (mean < columns["otb_days"])[(level < 10) & (level > 3)].any()
    assert mean.min() == 0.0
    assert mean.max() <= HORIZON
    np.testing.assert_allclose(mean, np.clip(level + np.where(level < 10, -3.0, 1.5), 0, HORIZON))


def test_derived_numbers_by_hand():
    columns = {
        "otb_days": np.array([2.0, 10.0, np.nan]),
        "otb_trips": np.array([1.0, 2.0, 0.0]),
        "otb_revenue": np.array([100.0, 500.0, 0.0]),
        "mean_trip_days": np.array([2.0, 5.0, np.nan]),
        "base_price_day": np.array([60.0, 40.0, np.nan]),
    }
    found = DERIVATION.of(columns, np.array([6.0, 5.0, 8.0]))
    # books + 0.5 · mean / length + 0.1 · extra + extra / length + 0.25; the third has the usual length
    np.testing.assert_allclose(
        found["reservations"], [1 + 1.5 + 0.4 + 2 + 0.25, 2 + 0.5 - 0.5 - 1 + 0.25, 4.05]
    )
    # books · 1.02 + 1.1 · extra · price
    np.testing.assert_allclose(found["revenue"], [102 + 264, 510 - 220, 440])


@pytest.mark.parametrize("seed", range(5))
def test_few_rows_of_one_and_the_same_forecast_teach_nothing_absurd_of_others(seed):
    """As of a baseline that adds three days to all books: what of nine days, as a draw may have?"""
    generator = np.random.default_rng(seed)
    length = generator.uniform(3, 6, 48)
    extra = 3 + 0.01 * generator.random(48)

    def terms(days, length):
        return np.stack([days / length, days, days / length, np.ones_like(days)], axis=-1)

    learnt = weights(terms(extra, length), generator.poisson(0.7, 48), ARITHMETIC[RESERVATIONS])
    at = terms(np.array([0.0, 3.0, 9.0]), np.full(3, 4.5)) @ learnt
    assert at[1] == pytest.approx(0.7, abs=0.4)  # where they tell
    assert at[0] == pytest.approx(0.0, abs=1.0)
    assert at[2] == pytest.approx(9 / 4.5, abs=1.0)


def test_derived_numbers_are_never_negative_and_unknown_without_their_columns():
    columns = {
        name: np.array([20.0]) for name in ("otb_days", "otb_trips", "mean_trip_days", "base_price_day")
    }
    gone = replace(DERIVATION, reservations=(0.0, 9.0, 0.0, 0.0), revenue=(9.0, 0.0))
    found = gone.of(columns | {"otb_revenue": np.array([1.0])}, np.array([0.0]))
    assert [found["reservations"][0], found["revenue"][0]] == [0.0, 0.0]
    assert np.isnan(gone.of(columns, np.array([0.0]))["revenue"]).all()
    assert np.isfinite(gone.of(columns, np.array([0.0]))["reservations"]).all()
    del columns["mean_trip_days"]
    assert np.isnan(gone.of(columns, np.array([0.0]))["reservations"]).all()
    assert set(replace(gone, revenue=None).of(columns, np.array([0.0]))) == {"reservations"}


def test_terms_that_say_the_same_are_survived():
    terms = np.ones((50, 3))
    assert terms[0] @ weights(terms, np.full(50, 6.0)) == pytest.approx(6.0, rel=1e-4)


def test_both_are_saved_as_plain_values_and_older_models_answer_their_forecasts(tmp_path):
    columns = tiny_columns(300, seed=4) | {
        name: np.full(300, 3.0) for name in ("otb_trips", "otb_revenue", "mean_trip_days", "base_price_day")
    }
    model = replace(as_saved_earlier(tiny_forecaster()), mean_shift=SHIFT, derivation=DERIVATION)
    model.save(tmp_path)
    loaded = Forecaster.load(tmp_path)
    mean = loaded.mean(columns)
    np.testing.assert_array_equal(mean, model.mean(columns))
    assert loaded.derivation == DERIVATION
    one = {name: values[7:8] for name, values in columns.items()}
    for name, values in loaded.derived(columns, mean).items():
        assert loaded.derived(one, mean[7:8])[name][0] == values[7]
    document = json.loads((tmp_path / "forecaster.json").read_text())
    del document["mean_shift"], document["derivation"]
    (tmp_path / "forecaster.json").write_text(json.dumps(document))
    old = Forecaster.load(tmp_path)
    np.testing.assert_array_equal(old.mean(columns), old.predict(columns))
    assert old.derived(columns, mean) == {}


EARLIER: list[dict[str, Any]] = [{}, {"threshold": 2.0}, {"threshold": 2.0, "mean_shift": SHIFT}]


@pytest.mark.parametrize(
    "model",
    [
        tiny_forecaster(),
        replace(tiny_forecaster(), functional="mean"),
        *(replace(as_saved_earlier(tiny_forecaster()), **changes) for changes in EARLIER),
    ],
)
def test_the_outlook_is_what_the_single_questions_answer(model: Forecaster) -> None:
    columns = tiny_columns(300, seed=21)
    outlook = model.outlook(columns)
    np.testing.assert_array_equal(outlook.forecast, model.predict(columns))
    np.testing.assert_array_equal(outlook.mean, model.mean(columns))
    np.testing.assert_array_equal((outlook.low, outlook.high), model.interval(columns))
