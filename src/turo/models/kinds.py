"""The estimators by the name their projects and saved models use."""

from __future__ import annotations

from turo.errors import ConfigError
from turo.models.estimators.base import Regressor
from turo.models.estimators.ensemble import MEMBERS, Ensemble

REGRESSORS: dict[str, type[Regressor]] = {**MEMBERS, "ensemble": Ensemble}


def regressor(kind: str) -> type[Regressor]:
    """The estimator's class; an unknown kind is a ConfigError listing the known ones."""
    try:
        return REGRESSORS[kind]
    except KeyError as error:
        raise ConfigError(
            f"Unknown kind of model {kind!r}.", f"Use one of {', '.join(REGRESSORS)}."
        ) from error
