"""The ensemble as the repository has it: trained by its project, gated, registered, loaded, asked by HTTP."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgi_client import AsgiClient
from served import LIMITS
from training_table import frame, write

from turo import settings
from turo.gate.promote import promote
from turo.models.encoding import encode
from turo.registry import versions
from turo.registry.client import client
from turo.serving.api.model_info import About
from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App
from turo.training import mlflow_projects, training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.scores import measure
from turo.training.project import Options, Project
from turo.training.recipe import Recipe

PROJECTS = Path(__file__).parents[2] / "mlflow" / "projects"
KINDS = ("xgboost", "svr", "catboost", "knn")


def shipped(kind: str) -> Project:
    """The project as the repository has it."""
    found: Project = runpy.run_path(str(PROJECTS / kind / "train.py"))["PROJECT"]
    return found


def test_the_shipped_ensemble_is_no_worse_than_its_members_and_passes_the_gate(tracking: Path) -> None:
    write(tracking / "datas", frame())
    data = training_rows.read(settings.load())
    alone = {kind: Recipe.of(data, kind, shipped(kind).params, Options().seed) for kind in KINDS}
    results = [backtest(data, recipe) for recipe in alone.values()]
    errors = [measure(data, result, "").figures["mae"] for result in results]
    switched_on = settings.load(
        model_names="XGBoost,SVR,CatBoost,KNN,Ensemble",
        model_paths="xgboost,svr,catboost,knn,ensemble",
        projects_dir=PROJECTS,
    )
    path = mlflow_projects.path_of("Ensemble", switched_on)
    found = client().get_run(mlflow_projects.launch("Ensemble", str(path), {}, "k1", switched_on))
    params = found.data.params
    weights = {kind: float(params[f"weight_{kind}"]) for kind in KINDS}
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert found.data.metrics["mae"] <= max(errors)
    assert found.data.metrics["mae"] <= 1.02 * min(errors)
    assert {"cv_mae", "crps", "fleet_bias", "interval_coverage"} <= set(found.data.metrics)
    card = Path(client().download_artifacts(found.info.run_id, "model_card.md")).read_text()
    assert all(f'"weight_{kind}": {weight}' in card for kind, weight in weights.items())
    assert "the level of each fold is made with the weights that the other folds ask for" in card

    decision = promote("Ensemble", found.info.run_id, "k1", settings.load())
    assert decision.promoted, decision.reason
    version = versions.version("Ensemble", decision.champion)
    assert version is not None
    model: Any = versions.load(version)
    columns = data.columns()
    expected: Any = 0.0  # the members are those that their own projects train
    for kind, weight in weights.items():
        other = alone[kind].fit(columns, data.y)
        expected += weight * other.model.predict(encode(other.fields, columns))
    np.testing.assert_allclose(model.model.predict(encode(model.fields, columns)), expected, rtol=1e-9)
    assert set(model.model.fitted) == {kind for kind, weight in weights.items() if weight}
    assert model.metadata["params"]["weight_svr"] == weights["svr"]

    example = json.loads((versions.download(version) / "input_example.json").read_text())
    row = {
        name: None if value != value else value
        for name, value in zip(example["columns"], example["data"][0], strict=True)
    }
    about = About("Ensemble", version.version, found.info.run_id, "y_booked_days", 28, example=row)
    ask = AsgiClient(App(Predictor(model, about, LIMITS.max_rows, None), LIMITS), "/Ensemble")
    answer = ask.post(json={"inputs": [row]})
    assert answer.status_code == 200, answer.text
    one = {name: np.array([np.nan if value is None else value]) for name, value in row.items()}
    for name in ("class", "fuel", "make"):
        one[name] = np.array([row[name]], dtype=object)
    assert answer.json()["predictions"] == model.predict(one).tolist()
    assert answer.headers["X-Model-Version"] == version.version
