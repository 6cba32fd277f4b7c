"""The estimators by the name their projects and saved models use."""

from __future__ import annotations

from turo.errors import ConfigError
from turo.models.base import Regressor
from turo.models.cat import CatBoost
from turo.models.knn import NearestNeighbours
from turo.models.svr import KernelSVR
from turo.models.xgb import XGBoost

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
