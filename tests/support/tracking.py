"""A throw-away MLflow on SQLite for each test; the database is made once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

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


@pytest.fixture
def tracking(empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in `tmp_path` with an MLflow of its own and a clean environment; returns the folder."""
    import mlflow

    from turo import settings
    from turo.registry.client import use_mlflow

    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "datas"))
    monkeypatch.setenv("STATUS_FILE", str(tmp_path / "status.json"))  # one in /tmp may be another user's
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the cache of fetched models, too
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    # Experiments whose artifacts lie in this folder, whatever the server's default would be.
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    mlflow.set_tracking_uri(uri)
    use_mlflow(settings.load())
    return tmp_path
