"""Turo's take-home files through the same command, projects and routes, with an API key.

SIGTERM ends it though Serve hangs.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from running_demo import start, suspend

DATA = Path(__file__).resolve().parents[2] / os.environ.get("TURO_SHARED_DATA", "../shared/data")
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
    key = "key-of-the-take-home-test"
    demo = start(tmp_path, SERVE_API_KEY=key)
    for name in MODELS:
        assert re.search(rf'{name} version 1: \{{"predictions":\[[0-9.]+\]\}}', demo.text), demo.text
    curl = next(line for line in demo.lines if line.startswith("curl"))
    for environment, said in (({"SERVE_API_KEY": key}, '{"predictions":['), ({}, '"status":401')):
        answer = subprocess.run(
            ["bash", "-c", curl], capture_output=True, text=True, timeout=60, env=environment
        )
        assert said in answer.stdout, answer
    suspend(demo.parts("ServeController"))  # neither dead nor answering: what waits for it waits for ever
    assert demo.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert "turo_takehome" in (tmp_path / "demo.log").read_text()
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
