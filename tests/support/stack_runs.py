"""Runs of prepare_data in the running stack: made to train anew, and counted: nothing lost, nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_api import ENDED, AirflowApi
from compose_stack import Stack, wait_for

GATED = ("promoted", "kept")  # what the gate says of a version, once
# Of one DAG run only: the forecast that it starts may train meanwhile.
RUNNING = """
import json, sys, mlflow
runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
own = {run.info.run_id for run in runs if run.data.tags.get("turo.run_key", "").startswith(sys.argv[1])}
assert own
family = [run for run in runs if {run.info.run_id, run.data.tags.get("mlflow.parentRunId")} & own]
print(json.dumps([run.info.run_id for run in family if run.info.status == "RUNNING"]))
"""
# Task and map index of each job of a DAG run that Ray has at work.
AT_WORK = """
import json, sys
from turo import settings
from turo.cluster import jobs
known = [(one["status"], one.get("metadata") or {}) for one in jobs.connect(settings.load()).all()]
own = [of for status, of in known if status == "RUNNING" and of.get("run_id") == sys.argv[1]]
print(json.dumps([[of["task_id"], int(of["map_index"])] for of in own]))
"""
BEGUN_MOST = 2  # runs, until a training of one is met
MET_WITHIN_S = 900.0  # a task whose worker or job was lost waits for minutes before its next try
VERSIONS = """
import sys
from turo import settings
from turo.registry import client as connection
connection.use_mlflow(settings.load())
print(len(connection.client().search_model_versions(f"name = '{sys.argv[1]}'")))
"""


@contextmanager
def line_less(stack: Stack, number: int) -> Iterator[None]:
    """Data of the same fleet without one line of their first year, which all later features know.

    On data that were seen nothing would be trained; what starts after the horizon changes no row.
    """
    reservations = stack.folder / "datas" / "reservations.csv"
    before = reservations.read_bytes()
    lines = before.splitlines(keepends=True)
    reservations.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
    try:
        yield
    finally:
        reservations.write_bytes(before)


@contextmanager
def paused(airflow: AirflowApi, *dags: str) -> Iterator[None]:
    """While they are, nothing starts a run of them: it would train for minutes, and nobody looks at it."""
    for dag in dags:
        airflow.patch(f"/dags/{dag}", {"is_paused": True})
    try:
        yield
    finally:
        for dag in dags:
            airflow.patch(f"/dags/{dag}", {"is_paused": False})


def versions(stack: Stack, name: str) -> int:
    """How many versions the registry has of a model."""
    return int(stack.execute("mlflow", "python", "-c", VERSIONS, name).split()[-1])


def runs_under_way(stack: Stack, run: str) -> list[str]:
    """MLflow runs of a DAG run, trials included, that are said to be running."""
    return list(json.loads(stack.execute("mlflow", "python", "-c", RUNNING, run).splitlines()[-1]))


def jobs_at_work(stack: Stack, run: str) -> list[list[object]]:
    """Task id and map index of each job of a DAG run that is running, as Ray says."""
    return list(json.loads(stack.execute("mlflow", "python", "-c", AT_WORK, run).splitlines()[-1]))


def ledger(stack: Stack, name: str) -> list[dict[str, str]]:
    """The decision log of a model, oldest first."""
    lines = stack.execute("mlflow", "turo", "ledger", name).splitlines()
    return [json.loads(line) for line in reversed(lines) if line.startswith("{")]


class Pipeline:
    """Runs of prepare_data one after another, each on data that nobody has seen, whose trainings may be met.

    Args:
        models: what is trained; each run makes one version of each.
        seed: which trip is left out of the reservations first, of those that took place; then the next ones.
        trials: of each training; with more of them it is met more often, and a job that was lost costs more.
    """

    def __init__(
        self, stack: Stack, airflow: AirflowApi, models: tuple[str, ...], seed: int, trials: int
    ) -> None:
        self.stack, self.airflow, self.models, self.seed = stack, airflow, models, seed
        self.trials = trials
        self.started = list[str]()
        self._file = stack.folder / "datas" / "reservations.csv"
        self._before = self._file.read_bytes()
        self._runs = {run["dag_run_id"] for run in airflow.runs("prepare_data")}
        self._versions = {name: versions(stack, name) for name in models}
        self._gated = {name: self._decided(name) for name in models}

    def under_way(self) -> str:
        """What is met by what happens now: a task `train` that runs, and its job at work in Ray.

        Where the newest run has no such task any more its end is waited for, and the next one is begun.
        """
        for begun in range(BEGUN_MOST + 1):
            if self.started and (
                met := wait_for("a training under way, or its run's end", self._met, MET_WITHIN_S)
            ):
                return met
            if begun < BEGUN_MOST:
                self._begin()
        raise AssertionError(f"No training of {self.started[-1]} was met: more trials make it longer.")

    def _met(self) -> str | None:
        """The training that is under way; empty: the run has ended; None: neither yet."""
        run = self.started[-1]
        if self.airflow.get(self._path(run))["state"] in ENDED:
            return ""
        tasks = [
            one
            for one in self.airflow.task_instances("prepare_data", run)
            if one["task_id"].endswith("train") and one["state"] == "running"
        ]
        at_work = jobs_at_work(self.stack, run) if tasks else []
        for one in tasks:
            if [one["task_id"], max(one["map_index"], 0)] in at_work:
                return f"train of {one.get('rendered_map_index') or one['map_index']}"
        return None

    def _begin(self) -> None:
        """The next run, on data of its own; those before have succeeded."""
        self._succeeded()
        number = self.seed + len(self.started)
        lines = self._before.splitlines(keepends=True)
        trips = [index for index, line in enumerate(lines) if b",completed," in line]
        del lines[trips[number]]
        self._file.write_bytes(b"".join(lines))
        conf = {"models": list(self.models), "tune_trials": self.trials}
        self.started.append(self.airflow.trigger("prepare_data", conf))

    def finish(self, timeout: float = 1200) -> None:
        """Every run ended well, made one version of each model and one entry of the gate; no other ran."""
        if self.started:
            self.airflow.wait("prepare_data", self.started[-1], timeout)
        self._succeeded()
        ran = {run["dag_run_id"] for run in self.airflow.runs("prepare_data")}
        assert ran - self._runs == set(self.started)
        for name in self.models:
            assert versions(self.stack, name) == self._versions[name] + len(self.started), name
            new = self._decided(name) - self._gated[name]
            assert len(new) == len(self.started), (name, new)
            assert set(new.values()) == {1}, (name, new)
        for run in self.started:
            assert runs_under_way(self.stack, run) == []

    def close(self) -> None:
        """The data of before, once nothing begun here is under way: what comes next counts its own."""
        self._file.write_bytes(self._before)
        for run in self.started:
            self.airflow.wait("prepare_data", run, 1200)

    def _succeeded(self) -> None:
        for run in self.started:
            state = self.airflow.get(self._path(run))["state"]
            assert state == "success", self.airflow.explain("prepare_data", run)

    def _decided(self, name: str) -> Counter[str]:
        return Counter(one["version"] for one in ledger(self.stack, name) if one["event"] in GATED)

    @staticmethod
    def _path(run: str) -> str:
        return f"/dags/prepare_data/dagRuns/{run}"
