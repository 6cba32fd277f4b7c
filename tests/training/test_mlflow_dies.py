"""MLflow is killed in the middle of a training and comes back: the run ends well, and there is one of it."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from training_table import frame, write

from turo import settings
from turo.demo.services import free_port, tracking_server
from turo.registry import versions
from turo.registry.client import client, use_mlflow
from turo.training import mlflow_projects

TRAIN = """
import sys, time
from pathlib import Path
from turo.training import run
from turo.training.entry import main
from turo.training.project import Project

fit = run.backtest

def slowly(*given):
    Path(sys.argv[0]).with_name("fitting").touch()
    while not Path(sys.argv[0]).with_name("go").exists():
        time.sleep(0.05)  # the processor is for MLflow, which starts meanwhile
    return fit(*given)

run.backtest = slowly
main(Project("knn", "Neighbours.", {"neighbours": 5, "dimensions": 3}))
"""
MLPROJECT = """
name: slow
entry_points:
  main:
    parameters: {model_name: {type: string, default: ""}, run_key: {type: string, default: ""}}
    command: "python train.py --model_name={model_name} --run_key={run_key}"
"""


@pytest.mark.slow
def test_a_training_survives_the_death_of_mlflow(tracking, monkeypatch):
    folder = tracking / "slow"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "MLproject").write_text(MLPROJECT)
    write(tracking / "datas", frame())
    port = free_port(0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("TRACKING_PORT", str(port))
    monkeypatch.setenv("BACKEND_URI", f"sqlite:///{tracking / 'mlflow.db'}")
    monkeypatch.setenv("ARTIFACT_ROOT", str(tracking / "artifacts"))
    use_mlflow(settings.load())
    ended: list[str] = []
    training = threading.Thread(
        target=lambda: ended.append(mlflow_projects.launch("Slow", str(folder), {}, "k", settings.load())),
        daemon=True,
    )
    with ExitStack() as servers:
        before = psutil.Process().children()
        servers.enter_context(tracking_server(settings.load(), tracking / "log"))
        (mlflow,) = set(psutil.Process().children()) - set(before)
        training.start()
        servers.callback((folder / "go").touch)  # a failure leaves no training behind that waits for ever
        until(folder / "fitting", training)
        os.killpg(mlflow.pid, signal.SIGKILL)
        mlflow.wait()
        (folder / "go").touch()
        servers.enter_context(tracking_server(settings.load(), tracking / "log"))
        training.join()
        mlflow_client = client()
        experiment = mlflow_client.get_experiment_by_name("Slow")
        assert experiment is not None
        (run,) = mlflow_client.search_runs([experiment.experiment_id])
        assert run.info.run_id == ended[0]
        assert run.info.status == "FINISHED"
        assert versions.register(ended[0], "Slow").version == "1"


def until(file: Path, training: threading.Thread) -> None:
    while not file.exists():
        assert training.is_alive()
        time.sleep(0.1)
