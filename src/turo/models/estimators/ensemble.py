"""A weighted mean of other estimators, each saved by itself in a folder of its own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from turo.errors import RegistryError
from turo.models.estimators.base import Loss, Regressor
from turo.models.estimators.catboost import CatBoost
from turo.models.estimators.knn import NearestNeighbours
from turo.models.estimators.svr import KernelSVR
from turo.models.estimators.xgboost import XGBoost

MEMBERS: dict[str, type[Regressor]] = {
    "xgboost": XGBoost,
    "catboost": CatBoost,
    "svr": KernelSVR,
    "knn": NearestNeighbours,
}
FILE = "ensemble.json"
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # a folder's, which cannot lead out of the model's
REMEDY = "Train the model again; do not load files of unknown origin."
TOLERANCE = 1e-9


class Member(NamedTuple):
    """One of the estimators: a kind of `MEMBERS`, its share of the mean, and its own parameters."""

    kind: str
    weight: float
    params: Mapping[str, Any]


class Ensemble:
    """Members by name; one without weight is neither fitted nor saved."""

    def __init__(
        self,
        *,
        loss: Loss = "absolute",
        seed: int = 0,
        threads: int = 1,
        members: Mapping[str, Member] | None = None,
    ) -> None:
        self.common: dict[str, Any] = {"loss": loss, "seed": seed, "threads": threads}
        self.members = {name: member for name, member in (members or {}).items() if member.weight}
        self.fitted: dict[str, Regressor] = {}

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit every member to all rows, one after the other."""
        for name, member in self.members.items():
            estimator = MEMBERS[member.kind](**{**member.params, **self.common})
            self.fitted[name] = estimator.fit(X, y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The weighted sum, always in the same order: a row gets the same bits alone and among others."""
        total = np.zeros(len(X))
        for name, member in self.members.items():
            total += member.weight * self.fitted[name].predict(X)
        return total

    def save(self, folder: Path) -> None:
        """Write `ensemble.json`, kinds and weights in order, and a folder for each member."""
        for name, estimator in self.fitted.items():
            (folder / name).mkdir(exist_ok=True)
            estimator.save(folder / name)
        members = [
            {"name": name, "kind": member.kind, "weight": member.weight}
            for name, member in self.members.items()
        ]
        document = {"format": FORMAT, "members": members}
        (folder / FILE).write_text(json.dumps(document, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            RegistryError: `ensemble.json` is absent, damaged, of another format, or names what is not known.
        """
        model = cls(members=_read(folder / FILE))
        model.fitted = {
            name: MEMBERS[member.kind].load(folder / name) for name, member in model.members.items()
        }
        return model


def _read(path: Path) -> dict[str, Member]:
    """Members as a file says; their names are those of folders, so they are checked before any is opened."""
    try:
        document = json.loads(path.read_text())
        found = {
            str(item["name"]): Member(str(item["kind"]), float(item["weight"]), {})
            for item in document["members"]
        }
        told = document["format"]
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise RegistryError(f"{path} is damaged: {error!r}.", REMEDY) from error
    if told != FORMAT:
        raise RegistryError(f"{path} has format {told!r}, this code reads {FORMAT}.", REMEDY)
    for name, member in found.items():
        if not NAME.fullmatch(name) or member.kind not in MEMBERS:
            raise RegistryError(f"{path} names the unknown member {name!r} of kind {member.kind!r}.", REMEDY)
    weights = [member.weight for member in found.values()]
    if not all(weight > 0 for weight in weights) or not math.isclose(sum(weights), 1.0, abs_tol=TOLERANCE):
        raise RegistryError(f"{path} has weights that do not add up to 1: {weights}.", REMEDY)
    return found
