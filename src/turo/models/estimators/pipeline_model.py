"""What SVR and KNN share: fitted and saved as scikit-learn pipelines, answering from the arrays in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from turo.models.estimators import pipeline_file
from turo.models.estimators.base import load_arrays, save_arrays
from turo.models.estimators.scaling import Scaler

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ARRAYS_FILE = "model.npz"  # of models saved before they were pipelines


@dataclass(kw_only=True)
class PipelineModel(ABC):
    """A fitted pipeline and the arrays with which `predict` gives its numbers sooner.

    Attributes:
        LAST: name of the pipeline's last step, which tells one kind of file from another.
        pipeline: what was fitted and is saved; None for a model saved as arrays by an earlier version.
        state: the same as arrays.
    """

    LAST: ClassVar[str]
    pipeline: Pipeline | None = field(default=None, init=False)
    state: dict[str, np.ndarray] = field(default_factory=dict, init=False)
    scaler: Scaler = field(init=False)

    def save(self, folder: Path) -> None:
        """Write the pipeline; a model that was loaded from arrays is written as such."""
        if self.pipeline is None:
            save_arrays(folder / ARRAYS_FILE, **self.state)
        else:
            pipeline_file.save(self.pipeline, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, in this version or in one before pipelines."""
        model = cls()
        if not (folder / ARRAYS_FILE).exists():
            return model._serve(pipeline_file.load(folder, cls.LAST))
        model.state = load_arrays(folder / ARRAYS_FILE)
        model.scaler = Scaler.from_arrays(model.state)
        return model._ready()

    def _serve(self, pipeline: Pipeline) -> Self:
        """Answer by this pipeline from now on."""
        self.pipeline, self.scaler, self.state = pipeline, Scaler.of(pipeline), self._arrays(pipeline)
        return self._ready()

    @abstractmethod
    def _arrays(self, pipeline: Pipeline) -> dict[str, np.ndarray]:
        """The fitted numbers that `predict` needs."""

    def _ready(self) -> Self:
        """Make what follows from the arrays."""
        return self
