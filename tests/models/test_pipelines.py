"""SVR and KNN are scikit-learn pipelines: their numbers are served, their files hold known types only."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tiny_forecaster import SMALL, tiny_forecaster

from turo.errors import RegistryError
from turo.files import sha256_folder
from turo.models.estimators import pipeline_file
from turo.models.estimators.pipeline_steps import RelevanceWeights
from turo.models.kinds import regressor

KINDS, LOSSES = ("svr", "knn"), ("absolute", "squared")


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of very different sizes with gaps, two flags, one column without a value; and a target.

    Four numbers decide: rows alike in all of them would be equally near, and any may be a neighbour.
    """
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(count, 12)) * 10.0 ** np.arange(-3, 9)
    X[:, 3:5] = generator.random((count, 2)) < 0.3
    y = X[:, 3] + 9 * X[:, 2] * 10 + X[:, 6] / 100 + X[:, 7] / 2000 + X[:, 8] / 20000
    y += 2 * np.sin(X[:, 1] * 100) + generator.normal(size=count)
    X[generator.random(X.shape) < 0.1] = np.nan
    X[:, 5] = np.nan
    return X, y


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("params", ["small", "default"])
def test_the_served_numbers_are_the_pipelines(kind, loss, params):
    extra: dict[str, Any] = SMALL[kind] if params == "small" else {}
    model: Any = regressor(kind)(loss=loss, seed=4, **extra).fit(*rows(2000, seed=1))
    unseen, _ = rows(500, seed=2)
    unseen[:50] *= 100  # far outside of what was seen
    assert isinstance(model.pipeline, Pipeline)
    np.testing.assert_allclose(model.predict(unseen), model.pipeline.predict(unseen), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_training_gives_the_same_file(kind, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        regressor(kind)(seed=4, **SMALL[kind]).fit(*rows(300, seed=1)).save(tmp_path / name)
    assert sha256_folder(tmp_path / "first") == sha256_folder(tmp_path / "second")
    with zipfile.ZipFile(tmp_path / "first" / pipeline_file.FILE) as archive:
        assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_file_with_another_type_is_refused_by_name(tmp_path):
    folder = tmp_path / "regressor"
    tiny_forecaster("svr").save(tmp_path)
    stranger = FunctionTransformer(strange)
    pipeline_file.save(make_pipeline(stranger).fit(np.eye(2)), folder)
    with pytest.raises(RegistryError, match=r"model\.skops holds the untrusted type .*strange") as caught:
        regressor("svr").load(folder)
    assert "Train the model again" in caught.value.remedy


def test_the_file_of_another_kind_is_refused(tmp_path):
    tiny_forecaster("svr").save(tmp_path)
    with pytest.raises(RegistryError, match=r"model\.skops ends in 'regress', not in 'neighbours'"):
        regressor("knn").load(tmp_path / "regressor")


def test_a_trusted_type_that_is_no_pipeline_and_a_damaged_file_are_refused(tmp_path):
    pipeline_file.save(RelevanceWeights(), tmp_path)
    with pytest.raises(RegistryError, match=r"model\.skops holds a RelevanceWeights, not a Pipeline"):
        regressor("knn").load(tmp_path)
    (tmp_path / pipeline_file.FILE).write_bytes(b"no archive")
    with pytest.raises(RegistryError, match=r"model\.skops is damaged"):
        regressor("knn").load(tmp_path)


def test_what_a_saved_model_holds_is_what_is_trusted(tmp_path):
    from skops.io import get_untrusted_types

    found: set[str] = set()
    for kind in KINDS:
        tiny_forecaster(kind).save(tmp_path / kind)
        found |= set(get_untrusted_types(file=tmp_path / kind / "regressor" / pipeline_file.FILE))
    assert found == set(pipeline_file.TRUSTED)


def test_relevant_columns_weigh_most_and_the_number_of_columns_is_kept():
    generator = np.random.default_rng(3)
    X = generator.normal(size=(500, 4))
    X[0, 2] = 1e6
    weigh = RelevanceWeights(columns=2).fit(X, 3 * X[:, 1] + X[:, 3])
    assert weigh.columns_.tolist() == [1, 3]
    np.testing.assert_allclose(weigh.weights_, [1.0, 1 / 3], rtol=0.01)
    everything = RelevanceWeights(floor=0.1, power=0.5, mean_square=0.6).fit(X, np.ones(500))
    np.testing.assert_allclose(everything.weights_, np.sqrt(0.6))
    assert np.abs(everything.transform(X)).max() <= 5 * np.sqrt(0.6) + 1e-12


def strange(X: np.ndarray) -> np.ndarray:
    """A function of ours that no saved model may name."""
    return X


def test_who_only_looks_for_an_estimator_does_not_load_scikit_learn():
    """The catalog and challengers' process would carry 150 MB for nothing."""
    code = "import sys, turo.models.forecaster, turo.models.kinds; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
