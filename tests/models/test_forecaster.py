"""Saved = fitted; a row's forecast does not depend on its company; MLflow gives the same bits."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_forecaster import HORIZON, SMALL, tiny_columns, tiny_forecaster, tiny_target

from turo.errors import ConfigError, InputError, RegistryError
from turo.models.forecaster import Forecaster
from turo.models.kinds import REGRESSORS, regressor

KINDS = tuple(REGRESSORS)
NATIVE_FILES = {
    "distribution.npz",
    "ensemble.json",
    "forecaster.json",
    "model.ubj",
    "model.cbm",
    "model.skops",
}


@pytest.fixture(scope="module", params=KINDS)
def forecaster(request):
    return tiny_forecaster(request.param)


def rows(columns, where):
    return {name: values[where] for name, values in columns.items()}


def test_round_trip_is_bit_identical_and_without_pickle(forecaster, tmp_path):
    columns = tiny_columns(1000, seed=8)
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(columns), forecaster.predict(columns))
    np.testing.assert_array_equal(loaded.interval(columns), forecaster.interval(columns))
    assert loaded.fields == forecaster.fields
    assert loaded.metadata == forecaster.metadata
    files = {path for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert {path.name for path in files} <= NATIVE_FILES
    # A pickle of protocol 2 and later starts with 0x80; numpy's header would name an object array's dtype.
    assert not any(path.read_bytes().startswith(b"\x80") or b"'|O'" in path.read_bytes() for path in files)


def test_a_row_gets_the_same_bits_alone_and_in_any_batch(forecaster):
    columns = tiny_columns(1000, seed=9)
    together = forecaster.predict(columns)
    for size in (1, 3, 17, 64):
        parts = [forecaster.predict(rows(columns, slice(at, at + size))) for at in range(0, 200, size)]
        np.testing.assert_array_equal(np.concatenate(parts)[:200], together[:200])
    backwards = forecaster.predict(rows(columns, slice(None, None, -1)))
    np.testing.assert_array_equal(backwards[::-1], together)


def test_threads_do_not_disturb_one_another(forecaster):
    columns = tiny_columns(500, seed=10)
    expected = forecaster.predict(columns)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: forecaster.predict(columns), range(40)):
            np.testing.assert_array_equal(result, expected)


def test_forecasts_and_intervals_stay_within_the_bounds(forecaster):
    columns = tiny_columns(1000, seed=11) | {"otb_days": np.linspace(-5, 60, 1000)}
    predicted = forecaster.predict(columns)
    low, high = forecaster.interval(columns)
    assert predicted.dtype == np.float64
    assert predicted.min() >= 0.0
    assert predicted.max() <= HORIZON
    assert (low <= high).all()
    assert low.min() >= 0.0
    assert high.max() <= HORIZON


def test_learning_beats_what_is_on_the_books(forecaster):
    columns = tiny_columns(1000, seed=12)
    y = tiny_target(columns, seed=13)
    assert np.abs(y - forecaster.predict(columns)).mean() < np.abs(y - columns["otb_days"]).mean()


def test_a_missing_on_the_books_value_counts_as_nothing_booked(forecaster):
    columns = tiny_columns(3, seed=14) | {"otb_days": np.full(3, np.nan)}
    assert np.isfinite(forecaster.predict(columns)).all()


def test_training_does_not_depend_on_rows_it_was_not_given():
    first, second = tiny_forecaster("svr"), tiny_forecaster("svr")
    columns = tiny_columns(50, seed=15)
    np.testing.assert_array_equal(first.predict(columns), second.predict(columns))


@pytest.mark.parametrize("kind", KINDS)
def test_columns_without_a_value_and_constant_ones_are_survived(kind):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 4))
    X[:, 1], X[:, 2] = np.nan, 7.0
    few: dict[str, Any] = {"catboost": {"iterations": 5}, "xgboost": {"rounds": 5}}
    extra = (few | {"ensemble": SMALL["ensemble"]}).get(kind, {})
    model = regressor(kind)(seed=1, **extra).fit(X, X[:, 0])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_pyfunc_equals_the_forecaster(kind, tmp_path, monkeypatch):
    import mlflow
    import pandas as pd

    from turo.models import flavor

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.chdir(tmp_path)
    forecaster = tiny_forecaster(kind)
    forecaster.save(tmp_path / "forecaster")
    columns = tiny_columns(1000, seed=16)
    mlflow.pyfunc.save_model(
        tmp_path / "model",
        loader_module=flavor.LOADER,
        data_path=str(tmp_path / "forecaster"),
        signature=flavor.signature(forecaster.fields),
        pip_requirements=["numpy"],
    )
    served = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(pd.DataFrame(columns))
    np.testing.assert_array_equal(served, forecaster.predict(columns))
    assert not list(Path(tmp_path / "model").rglob("*.pkl"))


def test_means_of_a_distribution_are_saved_as_what_an_earlier_release_cannot_read(tmp_path):
    for functional, number in (("median", 2), ("mean", 3)):
        forecaster = replace(tiny_forecaster(), functional=functional, loss="absolute")
        forecaster.save(tmp_path / functional)
        assert json.loads((tmp_path / functional / "forecaster.json").read_text())["format"] == number
        loaded = Forecaster.load(tmp_path / functional)
        np.testing.assert_array_equal(loaded.predict(tiny_columns(5)), forecaster.predict(tiny_columns(5)))


def test_wrong_folders_and_kinds_say_what_to_do(tmp_path):
    with pytest.raises(RegistryError, match=r"no readable forecaster\.json"):
        Forecaster.load(tmp_path)
    (tmp_path / "forecaster.json").write_text('{"format": 99}')
    with pytest.raises(RegistryError, match="has format 99"):
        Forecaster.load(tmp_path)
    with pytest.raises(ConfigError, match="'prophet'"):
        regressor("prophet")
    with pytest.raises(InputError, match="'class' is missing"):
        tiny_forecaster().predict(
            {"otb_days": np.zeros(1), "lag_1": np.zeros(1)}
            | dict.fromkeys(("hist_days_28", "lag_52w", "pickup_7", "fleet_util_28"), np.zeros(1))
        )
