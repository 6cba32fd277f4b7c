"""What serving asks of a model, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from turo.models.forecaster import Outlook
from turo.serving.forms.rows import Field


class Model(Protocol):
    """What is asked of a model: `turo.models.forecaster.Forecaster` is one."""

    @property
    def fields(self) -> Sequence[Field]: ...

    def predict(self, columns: Mapping[str, np.ndarray]) -> np.ndarray: ...

    def outlook(self, columns: Mapping[str, np.ndarray]) -> Outlook: ...
