"""MLflow projects: which are configured, and how one is run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from turo.environment import lent
from turo.errors import LASTING, ConfigError, CrashError, TrainingError
from turo.registry import create_once
from turo.registry.client import client
from turo.registry.mlflow_ready import wait_for_mlflow
from turo.registry.route_names import RESERVED, unfit
from turo.settings import Settings
from turo.training import finished_runs, unfinished_runs

logger = logging.getLogger(__name__)


def configured(settings: Settings) -> dict[str, Path]:
    """Project folder by model name, from `MODEL_NAMES` and `MODEL_PATHS`.

    Relative paths are below `PROJECTS_DIR`, absolute ones are taken as they are.

    Raises:
        ConfigError: unequal lengths, a name twice or unfit for a URL, a path without an MLproject file.
    """
    names, paths = settings.model_names, settings.model_paths
    if len(names) != len(paths):
        raise ConfigError(
            f"MODEL_NAMES has {len(names)} entries ({', '.join(names)}), MODEL_PATHS {len(paths)} "
            f"({', '.join(paths)}).",
            "Give one path for each name, in the same order.",
        )
    if wrong := unfit(names):
        raise ConfigError(
            f"MODEL_NAMES: {', '.join(map(repr, wrong))} cannot be a route.",
            "Use letters, digits, dot, dash and underscore, and none of: "
            + ", ".join(sorted(RESERVED))
            + ".",
        )
    twice = sorted({name for name in names if [n.lower() for n in names].count(name.lower()) > 1})
    if twice:
        raise ConfigError(f"MODEL_NAMES: {', '.join(twice)} occurs more than once.", "Name every model once.")
    return {name: folder(path, settings) for name, path in zip(names, paths, strict=True)}


def folder(path: str, settings: Settings) -> Path:
    """The folder of one project; must hold an MLproject file."""
    found = (settings.projects_dir / path).resolve()
    if not (found / "MLproject").is_file():
        raise ConfigError(
            f"MODEL_PATHS: {path!r} is no MLflow project ({found} has no MLproject file).",
            f"Give a folder below {settings.projects_dir}, or an absolute path.",
        )
    return found


def path_of(name: str, settings: Settings) -> Path:
    """The project of one configured model.

    Raises:
        ConfigError: the name is not configured; the message lists the ones that are.
    """
    known = configured(settings)
    if name not in known:
        raise ConfigError(f"Model {name!r} is not configured.", f"Known models: {', '.join(known)}.")
    return known[name]


def launch(name: str, path: str, params: Mapping[str, str], run_key: str, settings: Settings) -> str:
    """Run one project in a process of its own and wait for it; returns the MLflow run id.

    Without a `target` among the parameters it is that of the settings.

    A run that finished under the same name and key is reused, and so is one of the same table, parameters and
    code: it would only be repeated. One that did not finish was left behind by a killed attempt and is marked
    failed. Told to end, it says of its run that it was killed.

    Raises:
        TrainingError: the project failed over its data or settings; the message says why.
        CrashError: it failed over anything else.
        ServiceError: MLflow does not answer.
    """
    import mlflow
    from mlflow.exceptions import ExecutionException

    project = folder(path, settings)
    wait_for_mlflow(settings)
    experiment = mlflow.set_experiment(experiment_id=create_once.experiment(name)).experiment_id
    unfinished_runs.close_orphans_from_a_job([experiment], settings)
    if (finished := _finished_before(experiment, name, run_key)) is not None:
        logger.info("%s: run %s of key %s is finished already", name, finished, run_key)
        return finished
    chosen = {} if settings.target == "auto" else {"target": settings.target}
    given = {**chosen, **params, "model_name": name, "run_key": run_key}
    marked = finished_runs.marks(project, given, settings)
    if (finished := finished_runs.reusable(name, marked, given, settings)) is not None:
        logger.info(
            "%s: nothing is trained: run %s is of the same data, parameters and code; it is used again",
            name, finished,
        )  # fmt: skip
        finished_runs.note_key(finished, run_key)
        return finished
    tags = {"turo.model": name, "turo.run_key": run_key, **marked, **unfinished_runs.mark(settings)}
    run_id = create_once.create_run(experiment, tags, f"{name} {run_key}".strip())
    try:
        with _child_environment(settings), unfinished_runs.killed_with_us(run_id):
            mlflow.projects.run(
                str(project), parameters=given, experiment_id=experiment, run_id=run_id, env_manager="local"
            )
    except ExecutionException as error:
        unfinished_runs.end(run_id, "FAILED")
        told = client().get_run(run_id).data.tags
        cause = told.get("turo.error", str(error))
        known = told.get("turo.error_kind") in LASTING
        raise (TrainingError if known else CrashError)(
            f"{name} ({project.name}) failed: {cause}", "Its log above has the details."
        ) from error
    return run_id


def _finished_before(experiment: str, name: str, run_key: str) -> str | None:
    """The finished run of this name and key, if any; unfinished ones are closed."""
    if not run_key:
        return None
    wanted = f"tags.`turo.model` = '{name}' and tags.`turo.run_key` = '{run_key}'"
    for run in client().search_runs([experiment], f"{wanted} and attributes.status = 'RUNNING'"):
        logger.warning("%s: run %s of key %s never finished", name, run.info.run_id, run_key)
        unfinished_runs.end(run.info.run_id, "FAILED")
    return finished_runs.finished(name, run_key)


def _child_environment(settings: Settings) -> AbstractContextManager[None]:
    """The project runs in its own folder: this Python first on the path, paths absolute, no busy waiting."""
    data_dir = settings.data_dir
    return lent(
        {
            "DATA_DIR": data_dir if "://" in data_dir else str(Path(data_dir).resolve()),
            "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri,
        },
        # Four trainings on two processors: threads that spin while they wait make everything slower.
        unless_set={"OMP_WAIT_POLICY": "PASSIVE"},
        first_on_path=Path(sys.executable).parent,
    )
