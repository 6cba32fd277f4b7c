"""The flat trees of a loaded model give the bits of the library's own prediction, on any row."""

from __future__ import annotations

import json

import numpy as np
import pytest

from turo.models.kinds import regressor

COLUMNS = 9
DEEP = {
    "xgboost": {"rounds": 40, "max_depth": 7},
    "catboost": {"iterations": 40, "depth": 7},
}
UNEVEN = {
    "xgboost": {"rounds": 30, "grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0},
    "catboost": {"iterations": 30, "depth": 2, "l2_leaf_reg": 30},
}


def loaded(kind, parameters, folder):
    generator = np.random.default_rng(1)
    X = generator.normal(size=(3000, COLUMNS)).round(2)
    X[generator.random(X.shape) < 0.1] = np.nan
    y = np.nan_to_num(X[:, 0]) * 3 + np.nan_to_num(X[:, 1] * X[:, 2]) + generator.normal(size=len(X))
    regressor(kind)(**parameters).fit(X, y).save(folder)
    return regressor(kind).load(folder), X


def odd_rows(X):
    """Training rows, values far outside of what was seen, gaps, and a row of nothing but gaps."""
    generator = np.random.default_rng(2)
    wild = generator.normal(size=(300, COLUMNS)) * 10.0 ** generator.integers(-30, 39, (300, COLUMNS))
    wild[generator.random(wild.shape) < 0.2] = np.nan
    extremes = np.array([np.nan, 0.0, -0.0, 1e300, -1e300, 5e-324, 3.4e38])
    return np.vstack([X[:500], wild, np.repeat(extremes[:, None], COLUMNS, axis=1)])


@pytest.mark.parametrize("parameters", [DEEP, UNEVEN], ids=["deep", "uneven"])
@pytest.mark.parametrize("kind", ["xgboost", "catboost"])
def test_one_row_gets_the_bits_of_the_library(kind, parameters, tmp_path):
    model, X = loaded(kind, parameters[kind], tmp_path)
    assert model.flat is not None
    rows = odd_rows(X)
    together = model.predict(rows)
    alone = np.concatenate([model.predict(rows[at : at + 1]) for at in range(len(rows))])
    few = np.concatenate([model.predict(rows[at : at + 3]) for at in range(0, len(rows), 3)])
    assert len(np.unique(together)) > 100 if parameters is DEEP else len(np.unique(together)) > 5
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(few, together)


def test_trees_that_ask_nothing_only_add_their_leaf(tmp_path):
    # Splits that see few of few features may see none that helps: CatBoost saves "splits": null.
    model, X = loaded("catboost", {"iterations": 60, "depth": 3, "rsm": 0.05}, tmp_path)
    assert model.flat is not None
    model.model.save_model(str(tmp_path / "model.json"), format="json")
    trees = json.loads((tmp_path / "model.json").read_text())["oblivious_trees"]
    assert any(not tree["splits"] for tree in trees) and any(tree["splits"] for tree in trees)
    rows = odd_rows(X)
    alone = np.concatenate([model.predict(rows[at : at + 1]) for at in range(len(rows))])
    np.testing.assert_array_equal(alone, model.predict(rows))


def test_trees_of_another_kind_are_left_to_xgboost(tmp_path):
    model, X = loaded("xgboost", {"rounds": 5, "booster": "dart", "rate_drop": 0.5}, tmp_path)
    assert model.flat is None
    assert np.isfinite(model.predict(X[:1])).all()


def test_trees_of_another_kind_are_left_to_catboost(tmp_path):
    model, X = loaded("catboost", {"iterations": 5, "grow_policy": "Lossguide"}, tmp_path)
    assert model.flat is None
    assert np.isfinite(model.predict(X[:1])).all()
