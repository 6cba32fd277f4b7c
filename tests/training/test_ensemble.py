"""The weights of an ensemble follow the folds and nothing else; members that cannot be are named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from training_table import frame, takehome_frame, write

from turo import settings
from turo.errors import ConfigError
from turo.registry.client import client
from turo.training import ensemble, finished_runs, training_rows
from turo.training.evaluation.backtest import plan_of, run_folds
from turo.training.project import Options, Project
from turo.training.recipe import Recipe
from turo.training.run import run

PROJECTS = Path(__file__).parents[2] / "mlflow" / "projects"
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "trees": ("xgboost", {"rounds": 20, "max_depth": 2}),
    "near": ("knn", {"neighbours": 9, "dimensions": 4}),
    "near_too": ("knn", {"neighbours": 9, "dimensions": 4}),
}
PROJECT = "from turo.training.project import Project\nPROJECT = Project({!r}, 'A member.', {!r})\n"


def small(folder: Path, members: str = "trees,near,near_too") -> Project:
    """An ensemble of quick members, whose projects are written below `folder`."""
    for name, (kind, params) in SMALL.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "train.py").write_text(PROJECT.format(kind, params))
    return Project("ensemble", "A mean.", {"members": members, "rounds": 20}, members_in=folder)


def train(project: Project, name: str = "", **options: Any) -> Any:
    run_id = run(project, dict(project.params), Options(model_name=name, **options), settings.load())
    return client().get_run(run_id)


def weights_of(found: Any) -> dict[str, float]:
    params = found.data.params.items()
    return {key.removeprefix("weight_"): float(value) for key, value in params if key.startswith("weight_")}


def read() -> Any:
    return training_rows.read(settings.load())


def changed(rows: pl.DataFrame, marked: np.ndarray) -> pl.DataFrame:
    """Other targets in the marked rows."""
    y = pl.col("y_booked_days")
    return rows.with_columns(pl.when(pl.Series(marked)).then(28 - y).otherwise(y).alias("y_booked_days"))


def test_the_hold_out_has_no_say_in_the_weights(tracking: Path) -> None:
    write(tracking / "datas", frame())
    project, data = small(tracking / "projects"), read()
    holdout = plan_of(data).holdout
    assert holdout is not None
    weights = weights_of(train(project))
    assert weights["near_too"] == 0.0  # the first of two equals
    first = data.origins[holdout.test].min()
    write(
        tracking / "datas",
        frame().pipe(lambda rows: changed(rows, rows["origin_date"].to_numpy() >= first)),
    )
    assert weights_of(train(project)) == weights


def test_a_fold_has_no_say_in_the_weights_it_is_forecast_with(tracking: Path) -> None:
    write(tracking / "datas", frame())
    project, data = small(tracking / "projects"), read()
    recipe = Recipe.of(data, "ensemble", project.params, 1)
    last = plan_of(data).folds[-1].test
    other = replace(data, rows=changed(data.rows, np.isin(np.arange(len(data.rows)), last)))
    told = [ensemble.weighed(project, recipe, table) for table in (data, other)]
    assert told[0][1] != told[1][1]
    before, after = (folds for *_, folds in told if folds is not None)
    same, of_last = before["level"] == after["level"], pl.Series(np.isin(before["row"].to_numpy(), last))
    assert same.filter(of_last).all()
    assert not same.filter(~of_last).all()  # these do follow what came true in the last fold


def test_folds_are_forecast_as_by_a_model_fitted_to_them(tracking: Path) -> None:
    """Each with its own weights; what the other folds say is known, so nothing is fitted twice."""
    write(tracking / "datas", frame())
    project, data = small(tracking / "projects", "trees,near"), read()
    recipe, told, folds = ensemble.weighed(project, Recipe.of(data, "ensemble", project.params, 1), data)
    assert folds is not None
    assert recipe.kind == "ensemble"
    whole = run_folds(data, recipe, plan_of(data).folds)
    same = folds.select("row", "fold", "y")
    assert same.equals(whole.select("row", "fold", "y"))
    apart = np.abs(folds["level"].to_numpy() - whole["level"].to_numpy())
    assert apart.mean() < 0.1 * np.abs(whole["y"] - whole["level"]).mean()
    assert sum(float(weight) for weight in told.values()) == pytest.approx(1.0)


def test_take_home_data_have_an_ensemble_too(tracking: Path) -> None:
    write(tracking / "datas", takehome_frame(), profile="turo_takehome")
    found = train(small(tracking / "projects", "trees,near"))
    assert sum(weights_of(found).values()) == pytest.approx(1.0)
    assert found.data.tags["turo.metric"] == "rmse"
    assert found.data.metrics["rmse"] < found.data.metrics["baseline_mean_rmse"]


def test_a_search_for_parameters_is_refused_with_what_to_do_instead(tracking: Path) -> None:
    write(tracking / "datas", frame())
    with pytest.raises(ConfigError, match=r"tune_trials=3: .*'ensemble' has nothing to tune") as caught:
        train(small(tracking / "projects"), tune_trials=3)
    assert "tune_trials=0" in caught.value.remedy


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ("trees", "'trees' has not 2 different members"),
        ("trees,trees", "'trees,trees' has not 2 different members"),
        ("", "'' has not 2 different members"),
        ("trees,prophet", "member 'prophet' is no project: there is no .*prophet/train.py"),
        ("trees,../projects/near", r"member '\.\./projects/near' is no project"),
        ("trees,itself", "'itself' is of kind 'ensemble', which cannot be a member"),
    ],
)
def test_members_that_cannot_be_are_named(tracking: Path, members: str, told: str) -> None:
    write(tracking / "datas", frame())
    project = small(tracking / "projects", members)
    (tracking / "projects" / "itself").mkdir()
    (tracking / "projects" / "itself" / "train.py").write_text(PROJECT.format("ensemble", {}))
    with pytest.raises(ConfigError, match=told):
        train(project)


def test_a_run_is_not_used_again_once_a_members_project_has_changed(tracking: Path) -> None:
    write(tracking / "datas", frame())
    shutil.copytree(PROJECTS, tracking / "projects", ignore=shutil.ignore_patterns("__pycache__"))

    def recipe(**params: str) -> str:
        marks = finished_runs.marks(tracking / "projects" / "ensemble", params, settings.load())
        return marks[finished_runs.RECIPE]

    before, without = recipe(), recipe(members="xgboost,svr")
    changed_one = tracking / "projects" / "knn" / "train.py"
    changed_one.write_text(changed_one.read_text().replace('"neighbours": 60', '"neighbours": 61'))
    assert recipe() != before
    assert recipe(members="xgboost,svr") == without
