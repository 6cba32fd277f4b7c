"""Models saved by the code before SVR and KNN became scikit-learn pipelines still load and answer the same.

The folders were written by that code (commit 0249dde): `tiny_forecaster(kind, rows=120)` of tests/support,
with 8 trees of depth 3 where it is boosted, saved by `Forecaster.save`. predictions.json holds its answers to
`tiny_columns(12, seed=21)`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_forecaster import tiny_columns

from turo.models import flavor
from turo.models.forecaster import Forecaster
from turo.models.kinds import REGRESSORS

SAVED = Path(__file__).parent / "saved_before_pipelines"
PREDICTIONS = json.loads((SAVED / "predictions.json").read_text())


@pytest.mark.parametrize("kind", REGRESSORS)
def test_it_answers_as_recorded_here_and_saved_again(kind, tmp_path):
    columns = tiny_columns(12, seed=21)
    loaded = Forecaster.load(SAVED / kind)
    np.testing.assert_allclose(loaded.predict(columns), PREDICTIONS[kind], rtol=1e-12)
    loaded.save(tmp_path)
    np.testing.assert_array_equal(Forecaster.load(tmp_path).predict(columns), loaded.predict(columns))


@pytest.mark.parametrize("kind", REGRESSORS)
def test_mlflow_loads_it_by_the_path_it_was_saved_under(kind, tmp_path):
    import mlflow
    import pandas as pd

    mlflow.pyfunc.save_model(
        tmp_path / "model",
        loader_module="turo.models.flavor",
        data_path=str(SAVED / kind),
        signature=flavor.signature(Forecaster.load(SAVED / kind).fields),
        pip_requirements=["numpy"],
    )
    served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    answers = served.predict(pd.DataFrame(tiny_columns(12, seed=21)))
    np.testing.assert_allclose(answers, PREDICTIONS[kind], rtol=1e-12)
