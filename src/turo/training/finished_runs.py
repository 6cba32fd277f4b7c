"""Training runs in MLflow: which finished under a key, and which would only repeat another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import turo
from turo.files import sha256
from turo.models.estimators.ensemble import NAME
from turo.registry import versions
from turo.registry.client import Version, client
from turo.registry.fleet_match import DIGEST, table_manifest
from turo.settings import Settings
from turo.table.targets import target_name
from turo.training.project import MEMBERS_PARAM
from turo.training.training_rows import asked_target

CODE, RECIPE, KEYS = "turo.code_sha256", "turo.recipe_sha256", "turo.reused_keys"
SAME = (DIGEST, "turo.code_version", CODE, "turo.kind", "turo.target", "turo.horizon_days")
NAMES = frozenset({"model_name", "run_key"})  # parameters that change nothing of the model
TOLD_BY_TAG = frozenset({"target", "horizon_days"})  # "auto" and 0 say less than the tags do


def finished(name: str, run_key: str) -> str | None:
    """Id of the newest finished run of a model; with a key, of that or one reused under it."""
    mlflow_client = client()
    experiment = mlflow_client.get_experiment_by_name(name)
    if experiment is None:
        return None
    keys = (f"tags.`turo.run_key` = '{run_key}'", f"tags.`{KEYS}` LIKE '%|{run_key}|%'")
    for key in keys if run_key else ("",):
        wanted = f"attributes.status = 'FINISHED' and tags.`turo.model` = '{name}'"
        wanted += f" and {key}" if key else ""
        found = mlflow_client.search_runs(
            [experiment.experiment_id], wanted, max_results=20, order_by=["attributes.start_time DESC"]
        )
        for run in found:
            if versions.MODEL_URI_TAG in run.data.tags:
                return run.info.run_id
    return None


def marks(project: Path, params: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Tags of a run that is about to start: its code, and what it makes of a table.

    Args:
        project: folder of the MLflow project.
        params: what the project is given beside its defaults.
    """
    from mlflow.projects.utils import load_project

    final, extra = load_project(str(project)).get_entry_point("main").compute_parameters(dict(params), None)
    chosen = {key: _plain(value) for key, value in {**final, **extra}.items() if key not in NAMES}
    asked = asked_target(str(chosen.get("target", "auto")), settings)
    chosen["target"] = target_name(asked, str(table_manifest(settings).get("profile")))
    code = _code(project, *_members(project, chosen))
    recipe = json.dumps([code, settings.code_version, sorted(chosen.items())])
    return {CODE: code, RECIPE: hashlib.sha256(recipe.encode()).hexdigest()}


def reusable(
    name: str, marked: Mapping[str, str], params: Mapping[str, str], settings: Settings
) -> str | None:
    """Id of a finished run on the table as it is now, with the same code and parameters; None: train.

    A search for parameters is always made: who asks for one wants another look.
    """
    digest = table_manifest(settings).get("digest")
    experiment = client().get_experiment_by_name(name)
    if float(params.get("tune_trials") or 0) or digest is None or experiment is None:
        return None
    wanted = (
        f"attributes.status = 'FINISHED' and tags.`turo.model` = '{name}' and "
        f"tags.`{RECIPE}` = '{marked[RECIPE]}' and tags.`{DIGEST}` = '{digest}'"
    )
    runs = client().search_runs([experiment.experiment_id], wanted, max_results=20)
    return next((run.info.run_id for run in runs if versions.MODEL_URI_TAG in run.data.tags), None)


def note_key(run_id: str, run_key: str) -> None:
    """Let a run be found under another key, too."""
    if run_key:
        mlflow_client = client()
        before = mlflow_client.get_run(run_id).data.tags.get(KEYS, "|")
        mlflow_client.set_tag(run_id, KEYS, f"{before}{run_key}|"[-4000:])


def duplicate(run_id: str, name: str) -> Version | None:
    """The oldest version of `name` that another run made from the same data, parameters and code.

    A run that does not say what its code was, as one started by `mlflow run` does not, repeats none.
    """
    run = client().get_run(run_id)
    digest, params = run.data.tags.get(DIGEST), _params(run)
    if not digest or not params or CODE not in run.data.tags:
        return None
    alike = []
    for version in versions.search(f"name = '{name}' and tags.`{DIGEST}` = '{digest}'"):
        other = client().get_run(version.run_id)
        same = all(other.data.tags.get(tag) == run.data.tags.get(tag) for tag in SAME)
        if same and _params(other) == params:
            alike.append(version)
    return min(alike, key=lambda version: int(version.version), default=None)


def _params(run: Any) -> dict[str, Any]:
    return {key: _plain(value) for key, value in run.data.params.items() if key not in NAMES | TOLD_BY_TAG}


def _plain(value: Any) -> Any:
    """MLflow passes 6 as "6" or "6.0"."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def _members(project: Path, params: Mapping[str, Any]) -> list[Path]:
    """The projects beside this one whose defaults an ensemble takes."""
    names = [name.strip() for name in str(params.get(MEMBERS_PARAM, "")).split(",")]
    known = [name for name in names if NAME.fullmatch(name)]
    return [project.parent / name for name in known if (project.parent / name / "train.py").is_file()]


def _code(*projects: Path) -> str:
    """Digest of what trains: this package's and the projects' files, whatever commit they say they are."""
    digest = hashlib.sha256()
    for base, names in ((Path(turo.__file__).parent, "*.py"), *((project, "*") for project in projects)):
        for path in sorted(base.rglob(names)):
            parts = path.relative_to(base).parts
            if path.is_file() and not any(part == "__pycache__" or part[0] == "." for part in parts):
                digest.update(f"{'/'.join(parts)}\0{sha256(path)}".encode())
    return digest.hexdigest()
