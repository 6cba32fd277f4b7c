"""A fitted forecast as it is saved, registered and served: features in, bounded numbers and intervals out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from turo.models import saved_forecaster
from turo.models.derived import Derivation
from turo.models.distribution import Distribution, design
from turo.models.encoding import Columns, Field, encode
from turo.models.estimators.base import Loss, Regressor
from turo.models.interval import Interval
from turo.models.mean_shift import MeanShift
from turo.models.outlook import Outlook
from turo.models.spread import Spread

__all__ = ["MEAN", "MEDIAN", "Forecaster", "Outlook"]

MEDIAN, MEAN = "median", "mean"


@dataclass(frozen=True)
class Forecaster:
    """Level = what is on the books (`offset`) + what the regressor expects on top, clipped to bounds.

    What may come true around it is the `distribution`. Its median is the best guess for one vehicle, and too
    low when added up over many; its mean may be added up. Which of the two the prediction is, `functional`
    says. The level of a regressor that is fitted for squared error is the mean itself.

    Attributes:
        fields: the features asked for, in order.
        distribution: None in a model saved by an earlier version, which has the next three in its place.
        interval_offsets: ends of the interval.
        threshold: the least change to the books that is forecast, in units of the target; 0 = any.
        mean_shift: what to add for a mean; None = the forecast is one already.
        functional: what the prediction is of all that may come true: `median` or `mean`.
        loss: what the regressor is fitted for.
        offset: the column the regressor's output is added to, or None; a missing value counts as 0.
        minimum, maximum: bounds of the target (booked days: 0..horizon; counts and revenue: no upper bound).
        derivation: how reservations and revenue follow from expected days; None = not known.
        metadata: free plain values (name, parameters, digests) that travel with the model.
    """

    kind: str
    target: str
    horizon_days: int
    profile: str
    fields: tuple[Field, ...]
    model: Regressor
    interval_offsets: Interval | None = None
    distribution: Distribution | None = None
    functional: str = MEDIAN
    loss: Loss = "absolute"
    offset: str | None = None
    minimum: float = 0.0
    maximum: float | None = None
    threshold: float = 0.0
    mean_shift: MeanShift | None = None
    derivation: Derivation | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def predict(self, columns: Columns) -> np.ndarray:
        """Forecasts (rows,), float64; the same bits for a row alone or in any batch.

        Args:
            columns: one array a feature: float64, NaN = missing; objects (str | None) for categories.

        Raises:
            InputError: a column is absent.
        """
        level, design = self._design(columns)
        if self.distribution is None:
            return self._with_threshold(level, columns)
        books = self.books(columns)
        if self.functional == MEDIAN:
            answer = self._possible(self.distribution.median(design, books))
        elif self.loss == "squared":
            return level
        else:
            answer = self.distribution.mean(design, books, self.maximum)
        return np.where(np.isfinite(level), answer, np.nan)  # trees have an answer to anything

    def mean(self, columns: Columns) -> np.ndarray:
        """Expected values (rows,), for sums; below what is on the books where that may be cancelled."""
        return self.outlook(columns).mean

    def spread(self, columns: Columns) -> Spread | None:
        """All that may come true of each row, and how likely; None of a model saved without it."""
        return self._spread(self._design(columns)[1], columns)

    def derived(self, columns: Columns, mean: np.ndarray) -> dict[str, np.ndarray]:
        """Reservations and revenue (rows,) that follow from expected booked days; arithmetic, not a model.

        Args:
            columns: any of the table's; those of `derivation.columns` are used. NaN results where one of
                them is absent.
            mean: what `mean` answered for these rows, or draws of it (rows, draws).

        Returns:
            `reservations` and `revenue`, shaped like `mean`, where training could learn them; never negative.
        """
        return {} if self.derivation is None else self.derivation.of(columns, mean)

    def books(self, columns: Columns) -> np.ndarray:
        """What the regressor's output is added to (rows,)."""
        if self.offset is None:
            return np.zeros(len(next(iter(columns.values()))))
        return np.nan_to_num(columns[self.offset])

    def level(self, columns: Columns) -> np.ndarray:
        """What the regressor expects, within bounds."""
        return self._design(columns)[0]

    def design(self, columns: Columns, level: np.ndarray) -> np.ndarray:
        """What the distribution may depend on (rows, columns): the features, levels, the books."""
        return design(encode(self.fields, columns), level, self.books(columns))

    def spread_around(self, columns: Columns, level: np.ndarray) -> Spread:
        """The distribution of rows of which the level is known already.

        Raises:
            ValueError: a model saved without one.
        """
        found = self._spread(self.design(columns, level), columns)
        if found is None:
            raise ValueError("This model was saved without a distribution.")
        return found

    def outlook(self, columns: Columns) -> Outlook:
        """Everything at once, at little more than the price of one."""
        level, design = self._design(columns)
        return self.outlook_around(columns, level, self._spread(design, columns))

    def outlook_around(self, columns: Columns, level: np.ndarray, spread: Spread | None) -> Outlook:
        """`outlook` of rows of which the level and the distribution are known already."""
        if spread is None or self.distribution is None:
            forecast = self._with_threshold(level, columns)
            shift = self.mean_shift
            mean = forecast if shift is None else self._possible(level + shift.at(level))
            return Outlook(forecast, mean, *self._offset_interval(forecast))
        found = Outlook.of(spread, self.distribution.level)
        mean = level if self.loss == "squared" else found.mean
        forecast = mean if self.functional == MEAN else found.forecast
        forecast, mean = (np.where(np.isfinite(level), told, np.nan) for told in (forecast, mean))
        ends = np.minimum(found.low, forecast), np.maximum(found.high, forecast)
        return Outlook(forecast, mean, *ends, found.quantiles)

    def interval(self, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends (rows,) between which 80 % of the outcomes are expected."""
        outlook = self.outlook(columns)
        return outlook.low, outlook.high

    def save(self, folder: Path) -> None:
        """Write `forecaster.json` and the files of its parts below `folder`, made if absent."""
        saved_forecaster.save(vars(self), folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            RegistryError: the folder holds no forecaster, or one of another format.
        """
        return cls(**saved_forecaster.load(folder))

    def _design(self, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
        X = encode(self.fields, columns)
        expected = self.model.predict(X)
        if self.offset is not None:
            expected = expected + np.nan_to_num(columns[self.offset])
        level = self._possible(expected)
        return level, X if self.distribution is None else design(X, level, self.books(columns))

    def _spread(self, design: np.ndarray, columns: Columns) -> Spread | None:
        if self.distribution is None:
            return None
        return self.distribution.spread(design, self.books(columns), self.minimum, self.maximum)

    def _offset_interval(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.interval_offsets is None:
            return np.full(len(predicted), np.nan), np.full(len(predicted), np.nan)
        low, high = self.interval_offsets.around(predicted)
        return self._possible(low), self._possible(high)

    def _with_threshold(self, level: np.ndarray, columns: Columns) -> np.ndarray:
        if self.offset is None or not self.threshold:
            return level
        books = np.nan_to_num(columns[self.offset])
        return self._possible(np.where(np.abs(level - books) < self.threshold, books, level))

    def _possible(self, values: np.ndarray) -> np.ndarray:
        least = np.maximum(values, self.minimum)  # np.clip costs one row several times as much
        return least if self.maximum is None else np.minimum(least, self.maximum)
