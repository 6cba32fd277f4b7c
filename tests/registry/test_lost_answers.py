"""MLflow's server did the work and its answer got lost: of everything that is created there is one."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest
from lossy_proxy import LossyProxy, lossy_proxy
from tracking import mlflow_server, own_mlflow

from turo import settings
from turo.registry import create_once, decision_log, versions
from turo.registry.client import client, use_mlflow

FAILURES = ["dropped", "503", "refused"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server of its own."""
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(folder) as settings:
        yield settings.mlflow_tracking_uri


@pytest.fixture
def proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LossyProxy]:
    with lossy_proxy(server) as between:
        own_mlflow(monkeypatch, between.uri)
        monkeypatch.setattr(create_once, "PAUSE_S", 0.0)
        monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
        use_mlflow(settings.load())
        yield between


def asked(proxy: LossyProxy, ending: str) -> int:
    return sum(line.startswith("POST") and line.endswith(ending) for line in proxy.seen)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_run_is_created_once(proxy, failure):
    mlflow_client = client()
    experiment = create_once.experiment(f"run {failure}")
    proxy.lose["/runs/create"] = [failure]
    run_id = create_once.create_run(experiment, {"turo.run_key": "k"}, "a run")
    (run,) = mlflow_client.search_runs([experiment])
    assert run.info.run_id == run_id
    assert run.info.run_name == "a run"
    assert run.data.tags["turo.run_key"] == "k"
    assert asked(proxy, "/runs/create") == (2 if failure == "refused" else 1)


@pytest.mark.parametrize("failure", FAILURES)
def test_an_experiment_is_created_once(proxy, failure):
    proxy.lose["/experiments/create"] = [failure]
    made = create_once.experiment(f"experiment {failure}")
    assert client().get_experiment(made).name == f"experiment {failure}"
    assert create_once.experiment(f"experiment {failure}") == made


@pytest.mark.parametrize("failure", FAILURES)
def test_a_run_becomes_one_version(proxy, failure):
    mlflow_client, name = client(), f"Model-{failure}"
    experiment = create_once.experiment(name)
    run_id = mlflow_client.create_run(
        experiment, tags={"turo.model_uri": "models:/m-1", "turo.model_sha256": "0" * 64}
    ).info.run_id
    model = mlflow_client.create_logged_model(experiment, "model", source_run_id=run_id)
    mlflow_client.set_tag(run_id, "turo.model_uri", f"models:/{model.model_id}")
    mlflow_client.finalize_logged_model(model.model_id, "READY")
    mlflow_client.set_terminated(run_id)
    proxy.lose |= {"/registered-models/create": [failure], "/model-versions/create": [failure]}
    version = versions.register(run_id, name)
    assert [found.version for found in mlflow_client.search_model_versions(f"name = '{name}'")] == [
        version.version
    ]
    assert version.version == "1"
    assert versions.register(run_id, name) == version


@pytest.mark.parametrize("failure", FAILURES)
def test_the_decision_log_has_one_entry(proxy, failure):
    proxy.lose |= {"/experiments/create": [failure], "/runs/create": [failure]}
    entry = decision_log.append_entry("promoted", f"Log-{failure}", "1", "It is better.")
    assert [line["id"] for line in decision_log.read_entries(f"Log-{failure}")] == [entry]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_training_and_its_trials_are_one_run_each(proxy, failure):
    name = f"training {failure}"
    proxy.lose["/runs/create"] = [failure, "answered", failure]
    with create_once.start_run(name) as outer:
        for trial in range(2):
            with create_once.start_nested_run(f"trial {trial}") as inner:
                mlflow.log_metric("loss", trial)
    mlflow_client = client()
    found = {run.info.run_name: run for run in mlflow_client.search_runs([outer.info.experiment_id])}
    assert len(found) == 3
    assert found["trial 1"].info.run_id == inner.info.run_id
    assert found["trial 1"].data.metrics["loss"] == 1
    assert found["trial 0"].data.tags["mlflow.parentRunId"] == outer.info.run_id
    assert {run.info.status for run in found.values()} == {"FINISHED"}


def test_a_refusal_is_told_at_once(proxy):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="No Experiment with id=424242"):
        create_once.create_run("424242")
    assert asked(proxy, "/runs/create") == 1


def test_the_other_requests_are_repeated_as_before(proxy, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    experiment = create_once.experiment("others")
    run_id = create_once.create_run(experiment)
    proxy.lose["/runs/set-tag"] = ["refused"]
    client().set_tag(run_id, "after", "all")
    assert client().get_run(run_id).data.tags["after"] == "all"
