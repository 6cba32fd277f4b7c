"""Versions, aliases, verified files, and a decision log that only grows."""

from __future__ import annotations

import inspect
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import polars as pl
import pytest
from stack_models import CANARY, SPOIL
from tiny_forecaster import tiny_columns, tiny_forecaster

from turo import settings
from turo.errors import RegistryError
from turo.registry import aliases, decision_log, versions
from turo.registry import client as connection
from turo.registry.client import Version, client, use_mlflow
from turo.training.artifacts import log_forecaster


def trained(folder: Path, kind: str = "knn", status: str = "FINISHED") -> str:
    """A run that logged a forecaster; returns its id."""
    import mlflow

    mlflow.set_experiment("runs")
    columns = tiny_columns(40)
    example = pl.DataFrame({name: values.tolist() for name, values in columns.items()}, strict=False)
    example = example.with_columns(pl.selectors.float().fill_nan(None))
    run = mlflow.start_run()
    mlflow.set_tags(log_forecaster(tiny_forecaster(kind), example, folder / run.info.run_id))
    mlflow.log_metric("mae", 1.5)
    mlflow.end_run(status)
    return run.info.run_id


def test_a_run_becomes_one_version_however_often_it_is_asked_for(tracking):
    run_id = trained(tracking)
    first = versions.register(run_id, "KNN")
    # A POST that MLflow's client repeated after a lost answer.
    client().create_model_version("KNN", first.model_uri, run_id=run_id)
    again = versions.register(run_id, "KNN")
    assert first.version == again.version == "1"
    assert first.run_id == run_id
    assert first.metrics == {"mae": 1.5}
    assert first.model_uri.startswith(("models:/", "runs:/"))
    assert versions.register(trained(tracking), "KNN").version == "3"


def test_runs_without_a_finished_model_are_refused(tracking):
    import mlflow

    mlflow.set_experiment("runs")
    with mlflow.start_run() as empty:
        pass
    for run_id in (empty.info.run_id, trained(tracking, status="FAILED")):
        with pytest.raises(RegistryError, match=f"Run {run_id} .* cannot become a version of KNN"):
            versions.register(run_id, "KNN")
    assert aliases.champion("KNN") is None


def test_aliases_move_with_a_memory_of_the_one_before(tracking):
    one, two, three = (versions.register(trained(tracking), "KNN") for _ in range(3))
    assert aliases.set_champion(one) is None
    assert aliases.alias("KNN", "previous") is None
    assert aliases.set_champion(two) == one
    aliases.set_champion(two)  # asked again after a crash: nothing more happens
    assert (aliases.champion("KNN"), aliases.alias("KNN", "previous")) == (two, one)
    aliases.set_champion(three)
    assert (aliases.champion("KNN"), aliases.alias("KNN", "previous")) == (three, two)


def test_an_alias_written_by_many_at_once_names_one_of_their_versions(tracking):
    written = [versions.register(trained(tracking), "KNN") for _ in range(4)]
    start = Barrier(len(written))

    def write(version: Version, name_of_alias: str) -> None:
        start.wait()
        aliases.set_alias(version, name_of_alias)

    for number in range(8):  # a new alias each time: the first writer to insert it makes the others fail
        name_of_alias = f"alias{number}"
        with ThreadPoolExecutor(len(written)) as pool:
            list(pool.map(write, written, [name_of_alias] * len(written)))
        assert aliases.alias("KNN", name_of_alias) in written


def test_more_models_and_lines_than_a_page_holds_are_all_found(tracking, monkeypatch):
    from turo.serving.control.desired import DesiredStates

    champion = versions.register(trained(tracking), "ZZZ")
    aliases.set_champion(champion)
    for number in range(120):
        client().create_registered_model(f"other-{number}")
    states = DesiredStates().read(("ZZZ", "Absent"))
    assert {name: state.spec.version for name, state in states.items()} == {"ZZZ": "1"}
    assert aliases.aliases("Absent") == {}
    assert versions.version("ZZZ", "2") is None
    assert versions.version("Absent", "1") is None
    monkeypatch.setattr(decision_log, "PAGE", 2)
    for number in range(5):
        decision_log.append_entry("kept", "ZZZ", str(number), "loses")
    assert [entry["version"] for entry in decision_log.read_entries("ZZZ")] == ["4", "3", "2", "1", "0"]
    assert [entry["version"] for entry in decision_log.read_entries("ZZZ", limit=3)] == ["4", "3", "2"]


@pytest.mark.parametrize("kind", ["xgboost", "catboost", "svr", "knn", "ensemble"])
def test_a_version_loads_with_the_same_bits_through_us_and_through_pyfunc(tracking, kind):
    import mlflow
    import pandas as pd

    version = versions.register(trained(tracking, kind), "Model")
    columns = tiny_columns(1000, seed=21)
    expected = tiny_forecaster(kind).predict(columns)
    np.testing.assert_array_equal(versions.load(version).predict(columns), expected)
    served = mlflow.pyfunc.load_model("models:/Model/1").predict(pd.DataFrame(columns))
    np.testing.assert_array_equal(served, expected)
    folder = versions.download(version)
    assert (folder / "input_example.json").exists()
    needed = {"xgboost": ["xgboost"], "catboost": ["catboost"], "svr": ["skops"], "knn": ["scikit-learn"]}
    needed["ensemble"] = [name for names in needed.values() for name in names]
    written = (folder / "requirements.txt").read_text()
    assert all(f"\n{name}==" in written for name in needed[kind])
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib"}]


def test_changed_files_are_refused_and_a_damaged_cache_is_fetched_again(tracking):
    version = versions.register(trained(tracking), "KNN")
    cached = versions.download(version)
    (cached / "data").rename(cached / "data-away")
    assert (versions.download(version) / "data").is_dir()
    assert versions.load(version).kind == "knn"
    (stored,) = tracking.rglob(
        f"models/{version.model_uri.removeprefix('models:/')}/artifacts/data/*/forecaster.json"
    )
    stored.write_text(stored.read_text().replace("Tiny", "Evil"))
    for cached_file in versions.download(version).rglob("forecaster.json"):
        cached_file.write_text("{}")
    with pytest.raises(RegistryError, match="SHA-256"):
        versions.load(version)
    with pytest.raises(RegistryError, match="SHA-256"):
        versions.load(version)


def test_a_pickled_model_is_never_unpickled(tracking):
    import mlflow

    class Bomb(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
        def __reduce__(self):
            return (Path.touch, (tracking / "canary",))

        def predict(self, model_input):
            return model_input

    mlflow_client = client()
    mlflow.set_experiment("runs")
    with mlflow.start_run() as run:
        mlflow.set_tag("turo.model_sha256", "0" * 64)
        folder = tracking / "bomb"
        mlflow.pyfunc.save_model(folder, python_model=Bomb(), pip_requirements=["numpy"])
        mlflow.log_artifacts(str(folder), "model")
    mlflow_client.create_registered_model("KNN")
    mlflow_client.create_model_version("KNN", f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
    version = Version("KNN", "1", run.info.run_id, f"runs:/{run.info.run_id}/model", {}, {})
    with pytest.raises(RegistryError, match="has no tag"):
        versions.load(version)
    version.tags["turo.model_sha256"] = "0" * 64
    with pytest.raises(RegistryError, match=r"holds no model of this project|wants the loader"):
        versions.load(version)
    assert not (tracking / "canary").exists()


PLANTED = {
    "a wrong digest": "SHA-256",
    "a damaged artifact": "SHA-256",
    "a hostile pickle": "a pickle is code",
}


@pytest.mark.parametrize("harm", SPOIL)
def test_what_the_drills_plant_is_refused_for_what_it_is_meant_to_be(tracking, monkeypatch, capsys, harm):
    good = versions.register(trained(tracking), "KNN")
    monkeypatch.setattr("sys.argv", ["-c", "KNN", good.version])
    exec(compile(SPOIL[harm], harm, "exec"), {})
    made = versions.version("KNN", capsys.readouterr().out.split()[-1])
    assert made is not None and made.version != good.version
    with pytest.raises(RegistryError, match=PLANTED[harm]):
        versions.load(made)
    assert not Path(CANARY).exists()
    assert versions.load(good).kind == "knn"


def test_the_decision_log_grows_newest_first_and_cannot_be_rewritten(tracking):
    assert decision_log.read_entries() == []
    first = decision_log.append_entry(
        "promoted", "KNN", "1", "first candidate", {"metric": "mae", "value": 2.5}
    )
    decision_log.append_entry("kept", "SVR", "4", "loses")
    decision_log.append_entry("rolled_back", "KNN", "1", "by hand")
    assert [entry["event"] for entry in decision_log.read_entries()] == ["rolled_back", "kept", "promoted"]
    oldest = decision_log.read_entries("KNN")[-1]
    assert oldest["id"] == first
    assert (oldest["reason"], oldest["metric"], oldest["value"]) == ("first candidate", "mae", "2.5")
    own = {name for name, thing in vars(decision_log).items() if inspect.isfunction(thing)}
    offered = {name for name in own if getattr(decision_log, name).__module__ == decision_log.__name__}
    assert {name for name in offered if not name.startswith("_")} == {"append_entry", "read_entries"}


def test_the_registry_is_the_one_that_was_named_whatever_the_environment_says_now(
    tracking, tmp_path, monkeypatch
):
    named = settings.load()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'another.db'}")
    client().create_registered_model("Here")
    assert client().tracking_uri == named.mlflow_tracking_uri
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "copy.db")
    use_mlflow(named.model_copy(update={"mlflow_tracking_uri": f"sqlite:///{tmp_path / 'copy.db'}"}))
    client().delete_registered_model("Here")
    use_mlflow(named)
    assert client().get_registered_model("Here").name == "Here"


def test_without_a_word_which_registry_to_use_none_is_guessed(tracking, monkeypatch):
    monkeypatch.setattr(connection, "_in_use", [])
    with pytest.raises(RuntimeError, match=r"call use_mlflow\(settings\)"):
        client()
