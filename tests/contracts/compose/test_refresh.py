"""refresh.sh asks before it destroys, and removes what the pipeline made but nothing of the user's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from compose_file import REPOSITORY

INPUTS = (
    "datas/reservations.csv",
    "datas/trips of 2024.csv",
    "datas/fleet.xlsx",
    "jupyter/notebooks/mine.ipynb",
    ".env",
)
MADE = ("datas/datas.csv", "datas/datas.parquet", "datas/manifest.json", "datas/horizon-7/datas.csv",
    "datas/predictions/XGBoost/1.parquet",
        "datas/forecasts.csv", "datas/report.html", "datas/report/made.json", "datas/last-runs/prepare.json",
        "datas/track-record.csv", "datas/track-record.html", "datas/.prepare.lock", "datas/.forecast.lock",
        "mlruns/mlflow.db", "mlflow_artifacts/1/model")  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the script looks at, and a `docker` that only notes what it was asked."""
    for name in (*INPUTS, *MADE, "mlruns/.gitkeep", "docker-compose.yml", "src/turo/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("content")
    shutil.copy2(REPOSITORY / "refresh.sh", tmp_path)
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    docker.chmod(0o755)
    return tmp_path


def run(project: Path, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(project / "refresh.sh"), *arguments],
        input=answer,
        cwd="/",
        env={"PATH": f"{project}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("answer", ["", "no\n", "y\n"])
def test_without_a_yes_nothing_changes(project: Path, answer: str) -> None:
    done = run(project, answer=answer)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert all((project / name).exists() for name in (*INPUTS, *MADE))
    assert (project / "asked").read_text() == "info\n"


@pytest.mark.parametrize(("arguments", "answer"), [(("--yes",), ""), ((), "yes\n")])
def test_removes_what_was_made_and_starts_anew(
    project: Path, arguments: tuple[str, ...], answer: str
) -> None:
    done = run(project, *arguments, answer=answer)
    assert done.returncode == 0, done.stderr
    assert all((project / name).exists() for name in (*INPUTS, "mlruns/.gitkeep"))
    assert not [name for name in MADE if (project / name).exists()]
    assert (project / "asked").read_text().splitlines() == [
        "info",
        "compose down --volumes --remove-orphans",
        "compose build",
        "compose up -d --wait",
        "compose ps",
    ]


def test_says_beforehand_what_it_will_remove(project: Path) -> None:
    shown = run(project).stdout
    assert "datas/datas.parquet" in shown and "mlruns/mlflow.db" in shown
    assert "reservations" not in shown


def test_refuses_elsewhere_and_unknown_words(project: Path) -> None:
    assert run(project, "--force").returncode == 64
    shutil.rmtree(project / "src")
    refused = run(project, "--yes")
    assert refused.returncode == 1
    assert "not the project's folder" in refused.stderr
    assert (project / "datas/datas.csv").exists()
