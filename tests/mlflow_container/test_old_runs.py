"""How old runs are removed for good where the disk fills: the command that the documents give."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tools import REPOSITORY
from tracking import mlflow_server, own_mlflow

from turo.registry.client import client, use_mlflow

COMMAND = re.compile(r"`docker compose exec mlflow (sh -c '[^`]+')`")


def test_the_command_of_the_runbook_removes_a_deleted_run_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [(REPOSITORY / name).read_text() for name in ("docs/runbook.md", "prometheus/README.md")]
    (command,) = {found for text in texts for found in COMMAND.findall(text)}
    assert [text.count("mlflow gc") for text in texts] == [1, 1]
    with mlflow_server(tmp_path) as settings:
        own_mlflow(monkeypatch, settings.mlflow_tracking_uri)
        use_mlflow(settings)
        run = client().create_run("0").info
        client().log_text(run.run_id, "large", "model/weights")
        client().delete_run(run.run_id)
        (kept,) = tmp_path.rglob("weights")
        given = {
            "BACKEND_URI": settings.backend_uri,
            "ARTIFACT_ROOT": settings.artifact_root,
            "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri,
        }
        done = subprocess.run(command, shell=True, env=os.environ | given, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert run.run_id in done.stdout
        assert not kept.exists()
        assert client().search_runs(["0"], run_view_type=3) == []
