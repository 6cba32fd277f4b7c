"""Models saved by earlier code still load and answer the same: stored files name classes by their modules.

`before_pipelines` was written by the code before SVR and KNN became scikit-learn pipelines (commit 0249dde),
`pipelines` by the first code after: `tiny_forecaster(kind, rows=120)` of tests/support, with 8 trees of
depth 3 where it is boosted, and in `pipelines` with a threshold of 0.4, saved by `Forecaster.save`.
predictions.json holds the answers to `tiny_columns(12, seed=21)`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_forecaster import tiny_columns

from turo.models import flavor
from turo.models.forecaster import Forecaster

SAVED = Path(__file__).parent / "saved"
ALL = sorted(str(path.parent.relative_to(SAVED)) for path in SAVED.glob("*/*/forecaster.json"))


def recorded(which: str) -> list[float]:
    folder, kind = which.split("/")
    answers: list[float] = json.loads((SAVED / folder / "predictions.json").read_text())[kind]
    return answers


def test_none_is_forgotten() -> None:
    before = {f"before_pipelines/{kind}" for kind in ("catboost", "knn", "svr", "xgboost")}
    assert set(ALL) == before | {"pipelines/knn", "pipelines/svr"}


@pytest.mark.parametrize("which", ALL)
def test_it_answers_as_recorded_here_and_saved_again(which: str, tmp_path: Path) -> None:
    columns = tiny_columns(12, seed=21)
    loaded = Forecaster.load(SAVED / which)
    np.testing.assert_allclose(loaded.predict(columns), recorded(which), rtol=1e-12)
    loaded.save(tmp_path)
    np.testing.assert_array_equal(Forecaster.load(tmp_path).predict(columns), loaded.predict(columns))


@pytest.mark.parametrize("which", ALL)
def test_mlflow_loads_it_by_the_path_it_was_saved_under(which: str, tmp_path: Path) -> None:
    import mlflow
    import pandas as pd

    mlflow.pyfunc.save_model(
        tmp_path / "model",
        loader_module="turo.models.flavor",
        data_path=str(SAVED / which),
        signature=flavor.signature(Forecaster.load(SAVED / which).fields),
        pip_requirements=["numpy"],
    )
    served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    answers = served.predict(pd.DataFrame(tiny_columns(12, seed=21)))
    np.testing.assert_allclose(answers, recorded(which), rtol=1e-12)
