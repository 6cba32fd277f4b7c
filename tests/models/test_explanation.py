"""Contributions of features: the library's own, adding up to the level that a model expects, on any row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_forecaster import HORIZON, tiny_columns, tiny_forecaster

from turo.models.explanation import AROUND, ON_THE_BOOKS, explain, explains
from turo.models.forecaster import Forecaster
from turo.models.kinds import regressor

COLUMNS = 9


def loaded(kind: str, parameters: dict[str, Any], folder: Path) -> tuple[Any, np.ndarray]:
    generator = np.random.default_rng(1)
    X = generator.normal(size=(3000, COLUMNS)).round(2)
    X[generator.random(X.shape) < 0.1] = np.nan
    y = np.nan_to_num(X[:, 0]) * 3 + np.nan_to_num(X[:, 1] * X[:, 2]) + generator.normal(size=len(X))
    regressor(kind)(**parameters).fit(X, y).save(folder)
    return regressor(kind).load(folder), X


def odd_rows(X: np.ndarray) -> np.ndarray:
    """Training rows, values far outside of what was seen, gaps, and a row of nothing but gaps."""
    generator = np.random.default_rng(2)
    wild = generator.normal(size=(100, COLUMNS)) * 10.0 ** generator.integers(-30, 39, (100, COLUMNS))
    wild[generator.random(wild.shape) < 0.2] = np.nan
    extremes = np.array([np.nan, 0.0, -0.0, 1e300, -1e300, np.inf, 5e-324, 3.4e38])
    return np.vstack([X[:100], wild, np.repeat(extremes[:, None], COLUMNS, axis=1)])


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("xgboost", {"rounds": 40, "max_depth": 7}),
        ("xgboost", {"rounds": 30, "grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0}),
        ("xgboost", {"rounds": 5, "booster": "dart", "rate_drop": 0.5}),
        ("xgboost", {"rounds": 3, "gamma": 1e9}),  # nothing but roots
        ("catboost", {"iterations": 40, "depth": 7}),
        ("catboost", {"iterations": 60, "depth": 3, "rsm": 0.05}),  # trees that ask nothing among others
    ],
)
def test_contributions_and_base_add_up_to_the_prediction_of_any_row(
    kind: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    model, X = loaded(kind, parameters, tmp_path)
    rows = odd_rows(X)
    told = model.contributions(rows)
    assert told.shape == (len(rows), COLUMNS + 1)
    np.testing.assert_allclose(told.sum(axis=1), model.predict(rows), atol=1e-5)
    np.testing.assert_allclose(model.contributions(rows[5:6]), told[5:6], atol=1e-9)
    assert np.ptp(told[:, -1]) == 0, "one base for all rows"


@pytest.mark.parametrize("kind", ["xgboost", "catboost"])
def test_base_features_and_books_are_the_level_and_the_rest_has_a_name(kind: str) -> None:
    model, columns = tiny_forecaster(kind), tiny_columns(200, seed=5)
    found = explain(model, columns)
    features = sum(values for name, values in found.contributions.items() if name != AROUND)
    unbounded = found.base + features
    np.testing.assert_allclose(np.clip(unbounded, 0, HORIZON), model.level(columns), atol=1e-5)
    np.testing.assert_array_equal(found.contributions[ON_THE_BOOKS], columns["otb_days"])
    rest = found.contributions[AROUND]
    np.testing.assert_allclose(unbounded + rest, found.prediction, atol=1e-9)
    np.testing.assert_array_equal(found.prediction, model.predict(columns))
    assert np.abs(rest).max() > 0.1, "the median of the distribution is another number than the level"


@pytest.mark.parametrize("kind", ["svr", "knn", "ensemble"])
def test_other_kinds_have_no_contributions(kind: str) -> None:
    model: Forecaster = tiny_forecaster(kind)
    assert not explains(model)
    with pytest.raises(TypeError, match=kind):
        explain(model, tiny_columns(2))
