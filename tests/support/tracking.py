"""A throw-away MLflow on SQLite for each test; the database is made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from process_state import MLFLOW

from turo.settings import Settings, load

_made: list[Path] = []  # once for all folders of tests, each of which has this fixture in its conftest


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that MLflow has initialised: that takes seconds, a copy nothing."""
    import mlflow

    if not _made:
        path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
        mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
        _made.append(path)
    return _made[0]


def own_mlflow(patch: pytest.MonkeyPatch, uri: str) -> None:
    """Have all that MLflow's library and ours keep for the whole process put back when `patch` is undone."""
    patch.setenv("MLFLOW_TRACKING_URI", uri)
    for name in ("MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        patch.setenv(name, "")  # so that it is known to the patch: MLflow sets some of them itself
        patch.delenv(name)
    for module, name in MLFLOW:
        patch.setattr(f"{module}.{name}", None)
    patch.setattr("turo.registry.client._in_use", [])


@pytest.fixture
def tracking(empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in `tmp_path` with an MLflow of its own and a clean environment; returns the folder."""
    import mlflow

    from turo import settings
    from turo.registry.client import use_mlflow

    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.chdir(tmp_path)
    own_mlflow(monkeypatch, uri)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "datas"))
    monkeypatch.setenv("STATUS_FILE", str(tmp_path / "status.json"))  # one in /tmp may be another user's
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the cache of fetched models, too
    monkeypatch.setattr("tempfile.tempdir", None)
    mlflow.set_tracking_uri(uri)
    use_mlflow(settings.load())
    return tmp_path


@contextmanager
def mlflow_server(folder: Path) -> Iterator[Settings]:
    """A server on the folder's database: in this process it would set MLflow's place for every later test."""
    from turo.demo.services import free_port, tracking_server

    port = free_port(0)
    settings = load(
        backend_uri=f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts"),
        tracking_port=port, mlflow_tracking_uri=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    with tracking_server(settings, folder / "log"):
        yield settings
