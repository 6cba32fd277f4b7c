"""Versions of models in MLflow's registry: register, find, tag, fetch and verify."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo.errors import RegistryError
from turo.registry import create_once
from turo.registry.client import Version, as_version, client, if_there

if TYPE_CHECKING:
    from turo.models.forecaster import Forecaster

logger = logging.getLogger(__name__)

SHA_TAG = "turo.model_sha256"
MODEL_URI_TAG = "turo.model_uri"
SHOWN_TAGS = "turo."


def register(run_id: str, name: str) -> Version:
    """The version of `name` made from this run; registered now unless it already is.

    Asking again, or after an answer that got lost, gives the same version: of several versions of one run the
    oldest counts.

    Raises:
        RegistryError: the run did not finish, or logged no model.
    """
    mlflow_client = client()
    run = mlflow_client.get_run(run_id)
    tags = {key: value for key, value in run.data.tags.items() if key.startswith(SHOWN_TAGS)}
    if run.info.status != "FINISHED" or MODEL_URI_TAG not in tags or SHA_TAG not in tags:
        raise RegistryError(
            f"Run {run_id} ({run.info.status}) cannot become a version of {name}: no finished model.",
            "Its tag turo.error and its log say why; it cannot be completed, train anew once that is mended.",
        )
    if not _versions_of(run_id, name):
        create_once.registered_model(name)
        uri = tags[MODEL_URI_TAG]  # models:/<id>; over HTTP MLflow wants the id beside it
        wanted: dict[str, Any] = {"source": uri, "tags": tags, "model_id": uri.rpartition("/")[2]}
        create_once.once(
            f"version of {name}",
            lambda: [mlflow_client.create_model_version(name, run_id=run_id, **wanted)],
            lambda: _versions_of(run_id, name) or None,
        )
    version = min(_versions_of(run_id, name), key=lambda found: int(found.version))
    logger.info("%s version %s is run %s", name, version.version, run_id)
    return as_version(version)


def registered(run_id: str, name: str) -> Version | None:
    """The version of `name` that was made from this run, if any."""
    found = _versions_of(run_id, name)
    return as_version(min(found, key=lambda version: int(version.version))) if found else None


def search(wanted: str) -> list[Version]:
    """Versions that fit a filter of MLflow's, for instance ``tags.`turo.target` = 'y_revenue'``."""
    return [as_version(found) for found in _search(wanted)]


def version(name: str, number: str) -> Version | None:
    """One version of a model; None where there is no such model or version."""
    found = if_there(lambda: client().get_model_version(name, number))
    return None if found is None else as_version(found)


def set_tags(version: Version, tags: dict[str, str]) -> None:
    """Write notes on a version."""
    for key, value in tags.items():
        client().set_model_version_tag(version.name, version.version, key, value)


def download(version: Version) -> Path:
    """Folder of the version's MLflow model (with its input example), fetched once and verified every time.

    Raises:
        RegistryError: no digest is recorded, the files do not match it, or it is not a model of this project.
    """
    from turo.registry.model_files import fetch

    sha256 = version.tags.get(SHA_TAG, "")
    if not sha256:
        raise RegistryError(
            f"{version.name} version {version.version} has no tag {SHA_TAG}.",
            "Register it with `turo promote`.",
        )
    client()  # sets the tracking address MLflow's download uses
    return fetch(version.model_uri, f"{version.name}-{version.version}", sha256)


def load(version: Version) -> Forecaster:
    """The version's forecaster; `download` verifies it first."""
    from turo.models.forecaster import Forecaster
    from turo.registry.model_files import forecaster_folder

    return Forecaster.load(forecaster_folder(download(version)))


def _versions_of(run_id: str, name: str) -> list[Any]:
    return [found for found in _search(f"run_id = '{run_id}'") if found.name == name]


def _search(wanted: str) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = client().search_model_versions(wanted, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
