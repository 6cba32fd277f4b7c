"""The small fleet and a registry of its own as fixtures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hand_fleet import write_fleet
from tracking import empty_mlflow, own_mlflow

from turo import settings as settings_module
from turo.registry.client import use_mlflow
from turo.settings import Settings

__all__ = ["empty_mlflow"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Names a data folder with the hand-made fleet."""
    return write_fleet(tmp_path / "datas")


@pytest.fixture
def registry_uri(empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty MLflow of the test's own."""
    import mlflow

    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    own_mlflow(monkeypatch, uri)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the cache of fetched models, too
    monkeypatch.setattr("tempfile.tempdir", None)
    mlflow.set_tracking_uri(uri)
    use_mlflow(settings_module.load())
    mlflow.create_experiment("models", artifact_location=str(tmp_path / "artifacts"))
    mlflow.set_experiment("models")
    return uri
