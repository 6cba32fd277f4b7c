"""The estimators by the name their projects and saved models use."""

from __future__ import annotations

from turo.errors import ConfigError
from turo.models.estimators.base import Regressor
from turo.models.estimators.catboost import CatBoost
from turo.models.estimators.knn import NearestNeighbours
from turo.models.estimators.svr import KernelSVR
from turo.models.estimators.xgboost import XGBoost

REGRESSORS: dict[str, type[Regressor]] = {
    "xgboost": XGBoost,
    "catboost": CatBoost,
    "svr": KernelSVR,
    "knn": NearestNeighbours,
}


def regressor(kind: str) -> type[Regressor]:
    """The estimator's class; an unknown kind is a ConfigError listing the known ones."""
    try:
        return REGRESSORS[kind]
    except KeyError as error:
        raise ConfigError(
            f"Unknown kind of model {kind!r}.", f"Use one of {', '.join(REGRESSORS)}."
        ) from error
