"""Registry, gate, decision log, rollback and reconciler as they are, over an MLflow and a Serve in memory.

The clock stands still but for `tick`. What must hold at every moment is checked here as it happens; what must
hold once nothing is broken any more is checked by `settle`.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlflow_in_memory import Interruption, KilledError, MlflowInMemory
from serve_in_memory import ServeInMemory
from tiny_forecaster import tiny_columns, tiny_forecaster
from tracking import own_mlflow

from turo import settings as settings_module
from turo.errors import DeployError, RegistryError
from turo.files import sha256_folder
from turo.gate import promote as gate
from turo.registry import aliases, create_once
from turo.registry.client import use_mlflow
from turo.serving.control import rollback_command
from turo.serving.control.decision_entries import record_refusal
from turo.serving.control.desired import suspected
from turo.serving.control.reconcile import Reconciler
from turo.serving.control.shelf import LONGEST_S
from turo.serving.serve_config import ModelSpec

EXPERIMENT = "training"
PERIOD_S = 5.0
QUIET_TICKS = 11  # without a new configuration: the plan has come to rest
MOST_TICKS = 150
BEGINNINGS = {"decided", "rollback_begun"}
MOVING = BEGINNINGS | {"promoted", "kept", "rolled_back"}
MAE = {"good": 3.0, "worse": 3.5, "below": 9.0}  # of a candidate; the best baseline has 5
MODEL = {"flavors": {"python_function": {"loader_module": "turo.models.flavor", "data": "data"}}}
_worlds = itertools.count()


def make_model(folder: Path) -> str:
    """An MLflow model folder of a forecaster fitted in a moment; returns its digest."""
    tiny_forecaster("svr", 60).save(folder / "data")
    row = {key: values[5] for key, values in tiny_columns(20).items()}
    frame = {"columns": list(row), "data": [[value if value == value else None for value in row.values()]]}
    (folder / "MLmodel").write_text(json.dumps(MODEL))
    (folder / "input_example.json").write_text(json.dumps(frame))
    return sha256_folder(folder / "data")


class World:
    """One platform.

    Args:
        folder: scratch space.
        model: what `make_model` wrote, and its digest.
        patch: undone by the caller.
    """

    def __init__(self, folder: Path, model: tuple[Path, str], patch: pytest.MonkeyPatch) -> None:
        self.folder = folder / f"world-{next(_worlds)}"
        (self.folder / "datas").mkdir(parents=True)
        self.model, self.digest = model
        self.now = 0.0
        self.names: tuple[str, ...] = ("A", "B")
        self.runs: dict[str, list[str]] = {"A": [], "B": []}
        self.damaged: set[tuple[str, str]] = set()
        self.mlflow = MlflowInMemory(self.folder / "artifacts", self._moved)
        uri = f"sqlite:///{self.folder}/none.db"
        self.settings = settings_module.load(
            status_file=self.folder / "status.json", model_names=self.names, mlflow_tracking_uri=uri,
            data_dir=str(self.folder / "datas"),
        )  # fmt: skip
        patch.setattr("mlflow.MlflowClient", lambda _uri: self.mlflow)
        patch.setattr("mlflow.artifacts.download_artifacts", self.mlflow.download)
        patch.setattr(tempfile, "tempdir", str(self.folder))
        patch.setattr(os, "fsync", lambda _handle: None)  # nothing here outlives a loss of power
        patch.setattr(create_once, "PAUSE_S", 0.0)
        patch.setattr(
            aliases, "ALIAS_PATIENCE", replace(aliases.ALIAS_PATIENCE, pause_s=0, longest_pause_s=0)
        )
        patch.setattr(rollback_command, "DEADLINE_S", 0.0)
        patch.setattr(gate, "publish", lambda _version: [])  # draws pictures; decides nothing
        own_mlflow(patch, uri)  # the product tells it to MLflow's library, which keeps it
        use_mlflow(self.settings)
        self.serve = ServeInMemory(
            self.folder / "nodes", self.settings, clock=lambda: self.now, left_out=self._left_out
        )
        self.experiment = self.mlflow.create_experiment(EXPERIMENT)
        self.start()

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, names: tuple[str, ...] | None = None) -> None:
        """A new reconciler process, perhaps with other MODEL_NAMES."""
        self.names = names or self.names
        self.settings = self.settings.model_copy(update={"model_names": self.names})
        self.reconciler = Reconciler(self.settings, self.names, self.serve, refused=record_refusal)  # type: ignore[arg-type]

    # What people and jobs do.

    def train(self, name: str, quality: str) -> str:
        """A finished training run; returns its id."""
        run = self.mlflow.create_run(self.experiment)
        run_id = run.info.run_id
        run.info.status = "FINISHED"
        run.data.metrics = {"mae": MAE[quality], "baseline_best_mae": 5.0}
        run.data.tags = {
            "turo.model": name, "turo.model_uri": f"models:/m-{run_id}", "turo.model_sha256": self.digest,
            "turo.metric": "mae", "turo.target": "y_booked_days", "turo.horizon_days": "28",
            "turo.data_digest": "the same", "turo.best_baseline": "class_mean",
        }  # fmt: skip
        shutil.copytree(self.model, self.mlflow.folder / f"m-{run_id}")
        rows = {"vehicle_id": [f"v{n % 4}" for n in range(40)], "y": [10.0 + n % 7 for n in range(40)]}
        reports = self.mlflow.folder / run_id
        reports.mkdir()
        frame = pl.DataFrame(rows).with_columns(prediction=pl.col("y") + MAE[quality], row=pl.int_range(40))
        frame.drop("row").unique(["vehicle_id", "y"]).write_parquet(reports / "holdout.parquet")
        self.runs[name].append(run_id)
        return run_id

    def promote(self, name: str, run_id: str, interruption: Interruption | None = None) -> None:
        """`turo promote`, which may be broken off."""
        self._act(lambda: gate.promote(name, run_id, run_id, self.settings), interruption)

    def rollback(self, name: str, to: str = "", interruption: Interruption | None = None) -> None:
        """`turo rollback`, which may be refused or broken off; the reconciler works meanwhile."""

        def answers(version: Any, _example: Any) -> bool:
            for _ in range(3):
                self.tick()
            return set(self.serve.serving(name)) == {version.version}

        self._act(lambda: rollback_command.rollback(name, self.settings, to, answers), interruption)

    def damage(self, name: str, number: str) -> None:
        """The files of a version change where they are kept."""
        uri = self.mlflow.models[name].versions[number].source.removeprefix("models:/")
        (self.mlflow.folder / uri / "data" / "forecaster.json").write_text("{}")
        self.damaged.add((name, number))

    def tick(self, seconds: float = PERIOD_S) -> None:
        """The reconciler looks once; replicas live on."""
        answered = {name for name in self.names if self.serve.serving(name)}
        dying = self._on_trial()
        try:
            self.reconciler.tick(self.now)
        except KilledError:
            self.start()
        for name in answered - dying - self._on_trial():
            assert self.serve.serving(name), f"the route of {name} went away"
        self.now += seconds
        self.serve.live()

    def _left_out(self, name: str, spec: ModelSpec, answers: bool) -> None:
        """An application goes: its name went, or nothing answers and what it was to serve is refused."""
        refused = name in self.names and spec in self.reconciler.routes[name].refused
        gone = name not in self.names or (refused and not answers)
        assert gone, f"deleted while configured: {name}-{spec.version}, {answers=}"

    def _on_trial(self) -> set[str]:
        """Names whose replicas are told to take over a version that kills them."""
        told = {name: content.spec for name, content in self.serve.contents.items()}
        return {name for name, spec in told.items() if (name, spec.version) in self.serve.deadly}

    # What must hold.

    def settle(self) -> None:
        """Nothing is away any more: the plan comes to rest, a route serves the champion or says why not."""
        self.mlflow.away, self.mlflow.interruption = False, None
        self.serve.away = self.serve.catalog_away = self.serve.slow = False
        self.serve.lost = self.serve.unheard = False
        self.serve.full.clear()
        self.serve.spoiling.clear()
        self.serve.proceed()
        for _ in range(4):  # what could not start is started once more before it is judged
            self.tick()
        self.tick(LONGEST_S)
        told: list[dict[str, Any]] = []
        quiet, plan = dict.fromkeys(self.names, 0), self._plan()
        rested = set[str]()
        for _ in range(MOST_TICKS):
            self.tick()
            told.append(json.loads(self.settings.status_file.read_text()))
            before, plan = plan, self._plan()
            # Each by itself: names of which no version can be served are tried anew at times of their own.
            quiet = {name: quiet[name] + 1 if before.get(name) == plan.get(name) else 0 for name in quiet}
            for name in self.names:
                if quiet[name] == QUIET_TICKS and name not in rested:
                    self._settled(name, [status["routes"][name] for status in told[-QUIET_TICKS:]])
                    rested.add(name)
            if rested == set(self.names):
                break
        assert rested == set(self.names), "the plan does not come to rest"
        assert told[-1]["problems"] == {}
        assert set(self.serve.contents) <= set(self.names), "a name that is no longer configured runs"

    def _plan(self) -> dict[str, Any]:
        """What the newest configuration says of each name."""
        return self.serve.applied[-1] if self.serve.applied else {}

    def _settled(self, name: str, lately: list[dict[str, Any]]) -> None:
        told = lately[-1]
        champion, serving = self.mlflow.pointing(name), self.serve.serving(name)
        if champion is None:
            return
        if set(serving) == {champion} and len(serving) == self.serve.size:
            assert (told["version"], told["trying"]) == (champion, None), told
            return
        bad = self.damaged | self.serve.deadly
        assert (name, champion) in bad, f"{name}: {serving} instead of the sound champion {champion}: {told}"
        entries = [entry for entry in self.mlflow.entries() if entry["name"] == name]
        # Where no version can be served, all are tried anew from time to time, and the reason is told anew.
        reasons = [champion in one["refused"] or bool(one["waiting"]) for one in lately]
        assert all(reasons) if serving else any(reasons), f"{name}: no reason is told: {told}"
        if champion in told["refused"]:
            assert champion in suspected(entries[::-1]), f"{name}: the refusal of {champion} is in no log"
        sound = [entry["version"] for entry in entries if (name, entry["version"]) not in bad]
        served = [entry["version"] for entry in entries if entry["event"] in ("promoted", "serving")]
        assert serving or not set(sound) & set(served), f"{name}: nothing serves, {sound} could"

    def check_log(self) -> None:
        """No refusal, and no serving version, is told twice in a row."""
        last: dict[tuple[str, str], str] = {}
        serving: dict[str, str] = {}
        for entry in self.mlflow.entries():
            key, event = (entry["name"], entry["version"]), entry["event"]
            if event == "refused":
                assert last.get(key) != event, f"refused twice: {key}"
            if event == "serving":
                repeated = serving.get(key[0]) == key[1] and last.get(key) != "refused"
                assert not repeated, f"told twice that it serves: {key}"
                serving[key[0]] = key[1]
            last[key] = event

    def _moved(self, name: str, alias: str, version: str | None) -> None:
        lines = [entry for entry in self.mlflow.entries() if entry["name"] == name]
        last = next((line for line in reversed(lines) if line["event"] in MOVING), None)
        assert last is not None, f"{name}: {alias} moves to {version} before the log has a line"
        assert last["event"] in BEGINNINGS, f"{name}: {alias} moves to {version}, the log says {last}"
        if version is not None:
            named = last.get("from") if alias == aliases.PREVIOUS else last["version"]
            assert named == version, f"{name}: {alias} moves to {version}, the log says {last}"

    def _act(self, do: Any, interruption: Interruption | None) -> None:
        from mlflow.exceptions import MlflowException

        self.mlflow.interruption = interruption
        try:
            do()
        except (KilledError, MlflowException, RegistryError, DeployError):
            pass  # the caller is told, and may ask again
        finally:
            self.mlflow.interruption = None
