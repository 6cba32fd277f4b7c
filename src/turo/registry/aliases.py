"""The one place that knows MLflow's registry: register, find, move aliases, fetch and verify."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo.errors import RegistryError
from turo.patience import Patience
from turo.registry import mlflow_create
from turo.registry.client import Version, as_version, client

if TYPE_CHECKING:
    from turo.models.forecaster import Forecaster

logger = logging.getLogger(__name__)

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
SHA_TAG = "turo.model_sha256"
MODEL_URI_TAG = "turo.model_uri"
SHOWN_TAGS = "turo."
ALIAS_PATIENCE = Patience(pause_s=0.1, tries=5, longest_pause_s=0.4)
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
COLLISIONS = {"BAD_REQUEST", "TEMPORARILY_UNAVAILABLE"}  # MLflow's words for "unique" and "locked"


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
        mlflow_create.registered_model(name)
        uri = tags[MODEL_URI_TAG]  # models:/<id>; over HTTP MLflow wants the id beside it
        wanted: dict[str, Any] = {"source": uri, "tags": tags, "model_id": uri.rpartition("/")[2]}
        mlflow_create.once(
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
    found = _if_there(lambda: client().get_model_version(name, number))
    return None if found is None else as_version(found)


def aliases(name: str) -> dict[str, str]:
    """Where the aliases of a model point; empty where there is no such model."""
    model = _if_there(lambda: client().get_registered_model(name))
    return {} if model is None else {alias: str(number) for alias, number in model.aliases.items()}


def alias(name: str, name_of_alias: str) -> Version | None:
    """The version an alias points at; None where there is no such model or alias."""
    found = _if_there(lambda: client().get_model_version_by_alias(name, name_of_alias))
    return None if found is None else as_version(found)


def champion(name: str) -> Version | None:
    """The version that serves, or should."""
    return alias(name, CHAMPION)


def set_alias(version: Version, name_of_alias: str) -> None:
    """Point an alias at a version.

    MLflow reads the alias, then inserts or updates it: of two writers of a new alias the slower one fails,
    and finds on asking again what it can update.
    """
    from mlflow.exceptions import MlflowException

    ALIAS_PATIENCE.retry(
        lambda: client().set_registered_model_alias(version.name, name_of_alias, version.version),
        errors=lambda error: isinstance(error, MlflowException) and error.error_code in COLLISIONS,
        note=lambda _: logger.info(
            "%s: another writer of the alias %s was faster", version.name, name_of_alias
        ),
    )


def drop_alias(name: str, name_of_alias: str) -> None:
    """Take an alias away; it need not be there."""
    if alias(name, name_of_alias) is not None:
        client().delete_registered_model_alias(name, name_of_alias)


def set_tags(version: Version, tags: dict[str, str]) -> None:
    """Write notes on a version."""
    for key, value in tags.items():
        client().set_model_version_tag(version.name, version.version, key, value)


def set_champion(version: Version) -> Version | None:
    """Make a version the champion; returns the one it replaced, which becomes `previous`.

    `previous` is written first: if the process dies in between, the old champion still serves and a second
    call completes the move.
    """
    old = champion(version.name)
    if old is not None and old.version == version.version:
        return alias(version.name, PREVIOUS)
    if old is not None:
        set_alias(old, PREVIOUS)
    set_alias(version, CHAMPION)
    return old


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


def _if_there(ask: Callable[[], Any]) -> Any:
    """What MLflow answers; None where it has no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


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
