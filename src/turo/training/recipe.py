"""The parameters of a fit, apart from its rows: folds, hold-out and final model are fitted with the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from turo.errors import ConfigError
from turo.models.encoding import Columns, describe, encode
from turo.models.estimators.base import Loss
from turo.models.forecaster import MEAN, MEDIAN, Forecaster
from turo.models.kinds import regressor
from turo.table.model_columns import categories
from turo.table.targets import AUTO, bound, on_the_books
from turo.training.project import AT_ONCE
from turo.training.training_rows import TrainingTable


@dataclass(frozen=True)
class Recipe:
    """How to fit a forecaster of one kind to rows of one table."""

    kind: str
    params: Mapping[str, Any]
    seed: int
    threads: int
    target: str
    horizon_days: int
    profile: str
    categories: tuple[str, ...]
    offset: str | None
    functional: str
    loss: Loss

    @classmethod
    def of(
        cls,
        table: TrainingTable,
        kind: str,
        params: Mapping[str, Any],
        seed: int,
        functional: str = AUTO,
    ) -> Recipe:
        """The recipe a table asks for.

        Where there are dates: what is on the books, and absolute loss, whatever the functional: the
        distribution around the forecast has a median and a mean. Without dates squared loss.

        Args:
            functional: what predictions are, `median` or `mean`; auto: median where there are dates.

        Raises:
            ConfigError: another functional.
        """
        books = on_the_books(table.target, table.features)
        return cls(
            kind=kind,
            params=params,
            seed=seed,
            threads=share_of_cpus(),
            target=table.target,
            horizon_days=table.horizon_days,
            profile=table.profile,
            categories=categories(table.rows, table.features),
            offset=books if table.timed and books in table.features else None,
            functional=_functional(functional, table.timed),
            loss="absolute" if table.timed else "squared",
        )

    @property
    def metric(self) -> str:
        """The score that the functional makes small, by which forecasts are judged."""
        return "mae" if self.functional == MEDIAN else "rmse"

    @property
    def level_metric(self) -> str:
        """The score that the regressor is fitted for, by which its levels are judged."""
        return "mae" if self.loss == "absolute" else "rmse"

    @property
    def maximum(self) -> float | None:
        """A vehicle cannot be booked for longer than the window; counts and revenue have no bound."""
        return bound(self.target, self.horizon_days)

    def possible(self, values: np.ndarray) -> np.ndarray:
        """Clipped to the bounds of the target, as a forecaster does."""
        return np.clip(values, 0.0, self.maximum)

    def fit(self, columns: Columns, y: np.ndarray) -> Forecaster:
        """Fit what comes on top of the offset; fields, categories and scalings come from these rows only."""
        fields = describe(columns, self.categories)
        remainder = y - np.nan_to_num(columns[self.offset]) if self.offset else y
        estimator = regressor(self.kind)(loss=self.loss, seed=self.seed, threads=self.threads, **self.params)
        return Forecaster(
            kind=self.kind,
            target=self.target,
            horizon_days=self.horizon_days,
            profile=self.profile,
            fields=fields,
            model=estimator.fit(encode(fields, columns), remainder),
            functional=self.functional,
            loss=self.loss,
            offset=self.offset,
            maximum=self.maximum,
        )


def _functional(asked: str, timed: bool) -> str:
    if asked == AUTO:
        return MEDIAN if timed else MEAN
    if asked not in {MEDIAN, MEAN}:
        raise ConfigError(
            f"A model cannot answer the functional {asked!r}.", f"Choose {MEDIAN}, {MEAN} or {AUTO}."
        )
    return asked


def take(columns: Columns, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Some rows of every column."""
    return {name: values[rows] for name, values in columns.items()}


def share_of_cpus() -> int:
    """Threads of one of the trainings at a time: its share of the processors this process may use.

    Affinity and container limits are respected.
    """
    from joblib import cpu_count

    return max(1, int(cpu_count()) // AT_ONCE)
