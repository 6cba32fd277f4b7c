"""Which projects are configured, how one is run, and that MLproject and train.py agree."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from training_table import frame, write

from turo import settings
from turo.errors import ConfigError, CrashError, TrainingError
from turo.gate.promote import finished_run
from turo.models.kinds import regressor
from turo.registry import versions
from turo.registry.client import client
from turo.training import finished_runs, mlflow_projects, unfinished_runs
from turo.training.entry import parse
from turo.training.project import Options, Range

PROJECTS = Path(__file__).parents[2] / "mlflow" / "projects"
KINDS = ("xgboost", "svr", "catboost", "knn")
ALL = (*KINDS, "ensemble")


def configured(names, paths, **more):
    more = {"projects_dir": PROJECTS} | more
    return mlflow_projects.configured(settings.load(model_names=names, model_paths=paths, **more))


def project(kind):
    spec = importlib.util.spec_from_file_location(f"train_{kind}", PROJECTS / kind / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PROJECT


def test_names_and_paths_go_together_and_paths_may_be_absolute(tmp_path):
    (tmp_path / "MLproject").touch()
    found = configured("A, B", f"xgboost,{tmp_path}")
    assert found == {"A": (PROJECTS / "xgboost").resolve(), "B": tmp_path.resolve()}


TAKEN = (
    "v2",
    "catalog",
    "shadow",
    "turo-ledger",
    "docs",
    "openapi.json",
    "forecast",
    "metrics",
    "ping",
    "Docs",
)


@pytest.mark.parametrize(
    ("names", "paths", "message"),
    [
        ("A,B", "xgboost", "MODEL_NAMES has 2 entries .*MODEL_PATHS 1"),
        ("A", "nowhere", "'nowhere' is no MLflow project"),
        ("A,a", "xgboost,svr", "A, a occurs more than once"),
        ("A/B", "xgboost", "'A/B' cannot be a route"),
        ("A B", "xgboost", "'A B' cannot be a route"),
        *((name, "xgboost", f"'{name}' cannot be a route") for name in TAKEN),
        ("A,", "xgboost,svr", "'' cannot be a route"),
    ],
)
def test_a_wrong_setting_is_named(names, paths, message):
    with pytest.raises(ConfigError, match=message):
        configured(names, paths)


def test_an_unknown_model_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"'Prophet' is not configured.*Known models: A, B"):
        mlflow_projects.path_of(
            "Prophet", settings.load(model_names="A,B", model_paths="xgboost,svr", projects_dir=PROJECTS)
        )


@pytest.mark.parametrize("kind", ALL)
def test_mlproject_and_train_py_name_the_same_parameters_and_defaults(kind):
    written = yaml.safe_load((PROJECTS / kind / "MLproject").read_text())["entry_points"]["main"]
    ours = project(kind)
    wanted = dict(ours.params) | {field.name: field.default for field in dataclasses.fields(Options)}
    assert {name: entry["default"] for name, entry in written["parameters"].items()} == wanted
    for name, entry in written["parameters"].items():
        assert entry["type"] == ("string" if isinstance(wanted[name], str) else "float")
        assert f"--{name}={{{name}}}" in written["command"]
    assert ours.kind == kind
    assert set(ours.search) <= set(ours.params)
    for name, space in ours.search.items():
        assert not isinstance(space, Range) or space.low <= ours.params[name] <= space.high


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimator_takes_its_projects_parameters(kind):
    regressor(kind)(**project(kind).params)


def test_the_ensemble_takes_every_other_project():
    assert project("ensemble").params["members"].split(",") == list(KINDS)
    assert set(KINDS) == {path.parent.name for path in PROJECTS.glob("*/MLproject")} - {"ensemble"}


def test_parameters_take_the_type_of_their_defaults():
    ours = project("xgboost")
    params, options = parse(ours, ["--max_depth=4", "--learning_rate=1e-2", "--rounds=50.0", "--run_key="])
    assert (params["max_depth"], params["learning_rate"], params["rounds"]) == (4, 0.01, 50)
    assert isinstance(params["rounds"], int)
    assert options == Options()
    with pytest.raises(SystemExit):
        parse(ours, ["--max_depth=4.5"])
    with pytest.raises(SystemExit):
        parse(ours, ["--depth=4"])


def launch(path, params, key):
    return mlflow_projects.launch("Tiny", path, params, key, settings.load())


TRAIN = """
import sys
from turo.training.entry import main
from turo.training.project import Project

project = Project("knn", "Neighbours.", {"neighbours": 5, "dimensions": 3})
main(project)
"""
MLPROJECT = """
name: tiny
entry_points:
  main:
    parameters: {neighbours: {type: float, default: 5}, dimensions: {type: float, default: 3},
      model_name: {type: string, default: ""}, run_key: {type: string, default: ""}}
    command: "python train.py --neighbours={neighbours} --model_name={model_name} --run_key={run_key}"
"""


@pytest.fixture
def tiny(tracking):
    (tracking / "tiny").mkdir()
    (tracking / "tiny" / "train.py").write_text(TRAIN)
    (tracking / "tiny" / "MLproject").write_text(MLPROJECT)
    return str(tracking / "tiny")


def test_a_project_runs_in_its_own_process_once_per_key(tracking, tiny, monkeypatch):
    write(tracking / "datas", frame())
    monkeypatch.setenv("DATA_DIR", "datas")  # relative to where we are, not to the project's folder
    mlflow_client = client()
    experiment = mlflow_client.create_experiment("Tiny")
    lost = mlflow_client.create_run(experiment, tags={"turo.model": "Tiny", "turo.run_key": "k"}).info.run_id
    run_id = launch(tiny, {"neighbours": "3"}, "k")
    assert mlflow_client.get_run(run_id).data.params["neighbours"] == "3"
    assert mlflow_client.get_run(lost).info.status == "FAILED"
    assert launch(tiny, {"neighbours": "3"}, "k") == run_id
    assert versions.register(run_id, "Tiny").tags["turo.model"] == "Tiny"
    # Another key, but nothing else: the run would only be repeated.
    assert launch(tiny, {"neighbours": "3.0", "dimensions": "3"}, "k2") == run_id
    assert finished_run("Tiny", "k2") == run_id
    assert len(mlflow_client.search_runs([experiment])) == 2

    def repeats(**params):
        given = {"neighbours": "3", **params}
        marked = finished_runs.marks(Path(tiny), given, settings.load())
        return finished_runs.reusable("Tiny", marked, given, settings.load())

    assert repeats() == run_id
    assert repeats(neighbours="4") is None
    assert repeats(tune_trials="2") is None
    monkeypatch.setenv("CODE_VERSION", "another")
    assert repeats() is None
    monkeypatch.delenv("CODE_VERSION")
    Path(tiny, "train.py").write_text(TRAIN + "# changed\n")
    assert repeats() is None
    Path(tiny, "train.py").write_text(TRAIN)
    write(tracking / "datas", frame(seed=8))
    assert repeats() is None


def with_target(tiny):
    text = Path(tiny, "MLproject").read_text()
    text = text.replace("parameters: {", "parameters: {target: {type: string, default: auto}, ")
    Path(tiny, "MLproject").write_text(text.replace("--run_key", "--target={target} --run_key"))


def test_the_target_of_the_settings_is_trained_unless_another_is_given(tracking, tiny, monkeypatch):
    with_target(tiny)
    write(tracking / "datas", frame())
    monkeypatch.setenv("TARGET", "revenue")
    mlflow_client = client()

    def target(params, key):
        return mlflow_client.get_run(launch(tiny, params, key)).data.tags["turo.target"]

    assert target({}, "a") == "y_revenue"
    assert target({"target": "y_reservations"}, "b") == "y_reservations"


def test_a_run_of_another_target_of_the_settings_is_not_used_again(tracking, tiny, monkeypatch):
    with_target(tiny)
    write(tracking / "datas", frame())
    mlflow_client = client()

    def trained(setting, key):
        monkeypatch.setenv("TARGET", setting)
        run_id = launch(tiny, {"target": "auto"}, key)
        return run_id, mlflow_client.get_run(run_id).data.tags["turo.target"]

    first, target = trained("revenue", "a")
    assert target == "y_revenue"
    second, target = trained("auto", "b")
    assert (second == first, target) == (False, "y_booked_days")
    assert trained("y_revenue", "c") == (first, "y_revenue")


WAITS = """
import pathlib, time
import mlflow
with mlflow.start_run(), mlflow.start_run(nested=True):
    pathlib.Path("../began").touch()
    time.sleep(600)
"""
LAUNCH = "import sys; from turo.cli import main; sys.argv[1:1] = ['train', 'Tiny', '--path']; main()"


def test_a_training_that_is_told_to_end_leaves_no_run_that_says_it_runs(tracking, tiny):
    write(tracking / "datas", frame())
    Path(tiny, "train.py").write_text(WAITS)
    environment = os.environ | {"RAY_JOB_CONFIG_JSON_ENV_VAR": JOB}
    process = subprocess.Popen([sys.executable, "-c", LAUNCH, tiny, "--run-key=k"], env=environment)
    while not (tracking / "began").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    mlflow_client = client()
    experiment = mlflow_client.get_experiment_by_name("Tiny")
    assert experiment is not None
    found = mlflow_client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in found] == ["KILLED", "KILLED"]
    assert [run.data.tags.get("turo.ray_job") for run in found].count("train.1") == 1


DIES_IN_A_TRIAL = WAITS.replace("time.sleep(600)", "import os; os.kill(os.getpid(), 9)")


def test_trials_end_with_the_training_that_dies_in_one_or_was_left_behind(tracking, tiny):
    write(tracking / "datas", frame())
    Path(tiny, "train.py").write_text(DIES_IN_A_TRIAL)
    mlflow_client = client()
    experiment = mlflow_client.create_experiment("Tiny")
    left = mlflow_client.create_run(experiment, tags={"turo.model": "Tiny", "turo.run_key": "k"}).info.run_id
    mlflow_client.create_run(experiment, tags={unfinished_runs.PARENT: left})
    with pytest.raises(CrashError, match=r"Tiny \(tiny\) failed"):
        launch(tiny, {}, "k")
    found = mlflow_client.search_runs([experiment])
    assert [run.info.status for run in found] == ["FAILED"] * 4
    assert [unfinished_runs.PARENT in run.data.tags for run in found].count(True) == 2


JOB = '{"metadata": {"job_submission_id": "train.1"}}'


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (None, "KILLED"),
        ("FAILED", "KILLED"),
        ("STOPPED", "KILLED"),
        ("RUNNING", "RUNNING"),
        ("PENDING", "RUNNING"),
    ],
)
def test_a_run_whose_job_is_over_is_closed_at_the_next_start(tracking, status, becomes):
    mlflow_client = client()
    experiment = mlflow_client.create_experiment("Tiny")
    lost = mlflow_client.create_run(experiment, tags={unfinished_runs.RAY_JOB: "train.1"}).info.run_id
    nested = mlflow_client.create_run(experiment, tags={unfinished_runs.PARENT: lost}).info.run_id
    by_hand = mlflow_client.create_run(experiment).info.run_id
    unfinished_runs.close_orphans([experiment], {"train.1": status}.get)
    statuses = [mlflow_client.get_run(run_id).info.status for run_id in (lost, nested, by_hand)]
    assert statuses == [becomes, becomes, "RUNNING"]


def test_a_failing_project_is_an_error_with_its_cause(tracking, tiny):
    with pytest.raises(
        TrainingError, match=r"Tiny \(tiny\) failed: .*datas\.parquet in .* cannot be read"
    ) as told:
        launch(tiny, {}, "k")
    assert not isinstance(told.value, CrashError)
    Path(tiny, "train.py").write_text("import sys; sys.exit(3)")
    with pytest.raises(CrashError, match=r"Tiny \(tiny\) failed: .*Run \(ID .*\) failed"):
        launch(tiny, {}, "k")
    mlflow_client = client()
    experiment = mlflow_client.get_experiment_by_name("Tiny")
    assert experiment is not None
    runs = mlflow_client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FAILED"}
