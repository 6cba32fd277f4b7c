"""A project's folder of which nothing is wrong, and `turo doctor --json` on it."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tools import REPOSITORY
from typer.testing import CliRunner

from turo.cli import app

Doctor = Callable[..., dict[str, Any]]
FOLDERS = ("datas", "mlruns", "mlflow_artifacts", "backups", "jupyter/notebooks")
HOST = {
    "system": "Linux",
    "docker": "28.2.2",
    "compose": "2.40.3",
    "memory": str(24 << 30),
    "processors": "8",
    "free_project": str(100 << 20),  # KiB
    "free_docker": str(100 << 20),
    "listening": "22 sshd",
    "shell": "HOME|PATH",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (".env.example", "docker-compose.yml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    for name in FOLDERS:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name).chmod(0o777)
    (tmp_path / "datas/reservations.csv").write_text("a,b\n")
    for name in ("xgboost", "svr", "catboost", "knn"):
        (tmp_path / "mlflow/projects" / name).mkdir(parents=True)
        (tmp_path / "mlflow/projects" / name / "MLproject").write_text(f"name: {name}\n")
    (tmp_path / "versions.toml").write_text('[redis]\nline = "8.2"\nends = "none"\n')
    return tmp_path


@pytest.fixture
def doctor(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Doctor:
    """What it tells of `.env` and of a host: the answer, with `exit`. `host=None`: nobody asked the host."""

    def run(
        env: str = "", *words: str, host: dict[str, str] | None = None, told: bool = True
    ) -> dict[str, Any]:
        said = {**HOST, "now": str(int(time.time())), **(host or {})}
        # Clocks that go by this moment: seconds ahead of it.
        if "now_seconds" in said:
            said["now"] = str(int(time.time()) + int(said.pop("now_seconds")))
        if "outside_seconds" in said:
            said["outside"] = formatdate(time.time() + int(said.pop("outside_seconds")), usegmt=True)
        said["env_base64"] = base64.b64encode(env.encode()).decode()
        facts = tmp_path_factory.mktemp("facts") / "facts.json"
        facts.write_text(json.dumps(said))
        asked = ["--host-facts", str(facts)] if told else []
        done = CliRunner().invoke(app, ["doctor", "--json", "--folder", str(project), *asked, *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return {**json.loads(done.output), "exit": done.exit_code}

    return run
