"""Distributions around a forecast: what they hold is what came true, in any batch, saved or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_forecaster import HORIZON, as_saved_earlier, tiny_columns, tiny_forecaster, tiny_target

from turo.models.distribution import COVERAGE, Distribution, needed_level
from turo.models.forecaster import Forecaster
from turo.models.forest import Forest, filled
from turo.models.spread import QUANTILES, Spread

LEVELS = np.array(QUANTILES)


def weeks(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, books, y: where the first feature is 1 a fifth gains three days, else nothing changes."""
    generator = np.random.default_rng(seed)
    X = np.stack([generator.integers(0, 2, rows), generator.normal(size=rows)], axis=1).astype(float)
    books = generator.uniform(0, 10, rows)
    return X, books, books + 3.0 * (X[:, 0] * generator.random(rows) > 0.8)


def by_hand() -> Spread:
    """Nothing with 10 %, two days with 60 %, five with 20 %, nine with 10 %."""
    return Spread(np.array([[0.0, 2.0, 5.0, 9.0]]), np.array([[0.1, 0.7, 0.9, 1.0]]))


def test_a_spread_by_hand():
    spread = by_hand()
    np.testing.assert_array_equal(spread.quantiles(LEVELS)[0], [0, 0, 2, 2, 5, 5, 9])
    assert spread.mean[0] == pytest.approx(1.2 + 1.0 + 0.9)
    # Equal tails would be 0 to 5 and hold nine of ten; these two ends hold eight and are nearer.
    assert [end[0] for end in spread.shortest(0.8)] == [2.0, 5.0]
    assert [end[0] for end in spread.shortest(0.5)] == [2.0, 2.0]
    assert spread.places(np.array([5.0]), np.array([0.5]))[0] == pytest.approx(0.8)
    assert spread.places(np.array([3.0]), np.array([0.5]))[0] == pytest.approx(0.7)
    assert spread.places(np.array([-1.0]), np.array([0.5]))[0] == 0.0


@given(
    st.lists(st.floats(0, 90), min_size=1, max_size=12, unique=True),
    st.floats(-5, 95),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_the_score_is_the_one_of_the_same_values_as_an_ensemble(values, y, seed):
    counts = np.random.default_rng(seed).integers(1, 5, len(values))
    ensemble = np.repeat(np.sort(values), counts)
    spread = Spread(np.sort(values)[None], (np.cumsum(counts) / counts.sum())[None])
    wanted = scoringrules.crps_ensemble(np.array([y]), ensemble[None], estimator="nrg")
    np.testing.assert_allclose(spread.crps(np.array([y])), wanted, atol=1e-9)


def test_leaves_hold_what_came_true_there():
    known = Distribution.fit(*weeks(6000, 1))
    spread = known.spread(np.array([[0.0, 0.3], [1.0, 0.3]]), np.array([4.0, 4.0]))
    never, often = spread.quantiles(np.array([0.75, 0.9]))
    np.testing.assert_allclose(never, [4.0, 4.0])
    np.testing.assert_allclose(often, [4.0, 7.0])
    np.testing.assert_allclose(spread.mean, [4.0, 4.6], atol=0.1)


def test_quantiles_hold_what_they_promise_on_rows_not_seen():
    X, books, _ = weeks(20_000, 2)
    y = books + np.random.default_rng(3).gamma(2.0, 1.0 + X[:, 0])
    half = len(y) // 2
    known = Distribution.fit(X[:half], books[:half], y[:half])
    spread = known.spread(X[half:], books[half:])
    below = (y[half:, None] <= spread.quantiles(LEVELS)).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=0.02)
    for group in (0, 1):
        here = X[half:, 0] == group
        held = (y[half:][here, None] <= spread.quantiles(LEVELS)[here]).mean(axis=0)
        np.testing.assert_allclose(held, LEVELS, atol=0.03)
    assert spread.mean.sum() == pytest.approx(y[half:].sum(), rel=0.01)


def test_the_interval_holds_what_it_promises_where_most_windows_do_not_change():
    X, books, y = weeks(8000, 4)
    y = books + np.where(np.random.default_rng(5).random(8000) < 0.65, 0.0, 4 * (X[:, 1] - 0.5))
    half = len(y) // 2
    known = Distribution.fit(X[:half], books[:half], y[:half])
    spread = known.spread(X[half:], books[half:], -99.0)
    level = needed_level(spread, y[half:])
    low, high = spread.shortest(level)
    assert ((low <= y[half:]) & (y[half:] <= high)).mean() == pytest.approx(COVERAGE, abs=0.03)


def test_trees_are_walked_as_scikit_learn_walks_them():
    from sklearn.ensemble import RandomForestRegressor

    X, _, y = weeks(3000, 6)
    X[::7, 1] = np.nan
    grown = RandomForestRegressor(7, max_depth=6, random_state=0).fit(filled(X), y)
    leaves = Forest.of([tree.tree_ for tree in grown.estimators_]).leaves(X)
    theirs = grown.apply(filled(X))
    for tree in range(7):  # numbered differently, the same rows together
        pairs = set(zip(leaves[:, tree].tolist(), theirs[:, tree].tolist(), strict=True))
        assert len(pairs) == len(set(theirs[:, tree])) == len(set(leaves[:, tree]))


def test_the_median_is_the_one_of_the_spread_alone_and_in_any_batch():
    model, columns = tiny_forecaster(), tiny_columns(500, seed=11)
    together = model.predict(columns)
    spread = model.spread(columns)
    assert spread is not None
    np.testing.assert_array_equal(together, spread.quantiles(np.array([0.5]))[:, 0])
    for row in (0, 17, 499):
        assert (
            model.predict({name: values[row : row + 1] for name, values in columns.items()})[0]
            == (together[row])
        )
    few = model.predict({name: values[:3] for name, values in columns.items()})
    np.testing.assert_array_equal(few, together[:3])


def test_it_is_saved_whole_and_stays_within_bounds(tmp_path):
    model, columns = tiny_forecaster(), tiny_columns(300, seed=12)
    model.save(tmp_path)
    ours, theirs = (known.spread(columns) for known in (model, Forecaster.load(tmp_path)))
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.values, theirs.values)
    np.testing.assert_array_equal(ours.below, theirs.below)
    assert ours.values.min() >= 0.0
    assert ours.values.max() <= HORIZON


def test_a_model_of_an_earlier_release_answers_without_one(tmp_path):
    as_saved_earlier(tiny_forecaster()).save(tmp_path)
    old, columns = Forecaster.load(tmp_path), tiny_columns(50, seed=13)
    assert old.spread(columns) is None
    assert old.outlook(columns).quantiles is None
    with pytest.raises(ValueError, match="without a distribution"):
        old.spread_around(columns, np.zeros(50))


@pytest.mark.parametrize("rows", [1, 30, 79])
def test_few_rows_give_one_leaf(rows):
    columns = tiny_columns(rows, seed=14)
    y, books = tiny_target(columns), columns["otb_days"]
    spread = Distribution.fit(books[:, None], books, y).spread(np.array([[5.0]]), np.array([5.0]))
    assert spread.mean[0] == pytest.approx(5.0 + (y - books).mean(), abs=0.01)


def test_no_rows_get_no_answers():
    model = tiny_forecaster()
    none = {name: values[:0] for name, values in tiny_columns(5).items()}
    known = Distribution.fit(*weeks(500, 8))
    assert known.median(np.empty((0, 2)), np.empty(0)).shape == (0,)
    assert known.spread(np.empty((0, 2)), np.empty(0)).mean.shape == (0,)
    assert model.books(none).shape == (0,)


def test_a_level_that_is_no_number_stays_none():
    class Broken:
        def predict(self, X: np.ndarray) -> np.ndarray:
            return np.where(np.arange(len(X)) % 2, 1.0, np.nan)

    broken: Any = Broken()
    model, columns = replace(tiny_forecaster(), model=broken), tiny_columns(6, seed=15)
    outlook = model.outlook(columns)
    for told in (model.predict(columns), outlook.forecast, outlook.mean, model.mean(columns)):
        np.testing.assert_array_equal(np.isfinite(told), [False, True] * 3)


def test_the_outlook_of_a_row_is_the_same_alone():
    model, columns = tiny_forecaster(), tiny_columns(200, seed=16)
    together = model.outlook(columns)
    for row in (0, 63, 199):
        alone = model.outlook({name: values[row : row + 1] for name, values in columns.items()})
        for ours, theirs in zip(alone, together, strict=True):
            assert ours is not None
            assert theirs is not None
            np.testing.assert_array_equal(ours[0], theirs[row])


def test_where_nothing_ever_changes_that_is_what_is_expected():
    X, books, _ = weeks(300, 9)
    spread = Distribution.fit(X, books, books).spread(X[:5], books[:5])
    np.testing.assert_array_equal(spread.quantiles(LEVELS), np.repeat(books[:5, None], len(LEVELS), axis=1))
    np.testing.assert_array_equal(spread.mean, books[:5])


def test_days_that_are_the_same_but_for_the_last_digit_are_one_value():
    generator = np.random.default_rng(10)
    books = generator.integers(0, 100, 2000) / 24
    y = books + generator.integers(0, 5, 2000) / 24
    nothing = np.zeros((len(y), 1))
    known = Distribution.fit(nothing, books, y)
    assert len(known.steps) == 5
    places = known.spread(nothing, books).places(y, np.full(len(y), 0.5))
    # In the middle of the probability of its own value, and nowhere else.
    np.testing.assert_allclose(np.unique(places.round(6)), np.arange(0.1, 1, 0.2), atol=0.03)


def test_gaps_and_huge_numbers_are_answered():
    known = Distribution.fit(*weeks(2000, 7))
    asked = np.array([[np.nan, np.nan], [1e300, -1e300], [np.inf, -np.inf]])
    assert np.isfinite(known.median(asked, np.zeros(3))).all()
