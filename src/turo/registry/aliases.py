"""Aliases of models in MLflow's registry: where they point, and how they move."""

from __future__ import annotations

import logging

from turo.patience import Patience
from turo.registry.client import Version, as_version, client, if_there

logger = logging.getLogger(__name__)

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
ALIAS_PATIENCE = Patience(pause_s=0.1, tries=5, longest_pause_s=0.4)
COLLISIONS = {"BAD_REQUEST", "TEMPORARILY_UNAVAILABLE"}  # MLflow's words for "unique" and "locked"


def aliases(name: str) -> dict[str, str]:
    """Where the aliases of a model point; empty where there is no such model."""
    model = if_there(lambda: client().get_registered_model(name))
    return {} if model is None else {alias: str(number) for alias, number in model.aliases.items()}


def alias(name: str, name_of_alias: str) -> Version | None:
    """The version an alias points at; None where there is no such model or alias."""
    found = if_there(lambda: client().get_model_version_by_alias(name, name_of_alias))
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
