"""Turo's take-home files through the same command, the same four projects and the same routes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest

DATA = Path(__file__).resolve().parents[1] / os.environ.get("TURO_SHARED_DATA", "../shared/data")
COMMAND = "from turo.cli import main; main()"
MODELS = ("XGBoost", "SVR", "CatBoost", "KNN")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not (DATA / "turo_takehome_vehicles.csv").exists(), reason="the real files are not here")
def test_the_real_take_home_files_end_in_four_answering_routes(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    (tmp_path / "datas").mkdir()
    for name in ("reservations", "vehicles"):
        shutil.copy(DATA / f"turo_takehome_{name}.csv", tmp_path / "datas" / f"{name}.csv")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "demo", "--once", "--folder", str(tmp_path)],
        capture_output=True, text=True, timeout=800, env={**os.environ, "COLUMNS": "4000"},
    )  # fmt: skip
    log = tmp_path / "demo.log"
    assert done.returncode == 0, done.stdout + done.stderr[-3000:] + log.read_text()[-6000:]
    for name in MODELS:
        assert re.search(rf'{name} version 1: \{{"predictions":\[[0-9.]+\]\}}', done.stdout), done.stdout
    assert "turo_takehome" in log.read_text()
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = {}
    for name in MODELS:
        experiment = client.get_experiment_by_name(name)
        assert experiment is not None
        runs[name] = client.search_runs([experiment.experiment_id])[0].data.metrics
    for name, metrics in runs.items():
        record_property(f"cv_rmse {name}", metrics["cv_rmse"])
        assert metrics["baseline_mean_rmse"] == pytest.approx(4.86, abs=0.02)
        assert metrics["baseline_linear_rmse"] == pytest.approx(4.39, abs=0.03)
        assert metrics["cv_rmse"] < metrics["baseline_mean_rmse"]
    print({name: round(metrics["cv_rmse"], 3) for name, metrics in runs.items()})
