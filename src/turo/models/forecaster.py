"""A fitted forecast as it is saved, registered and served: features in, bounded numbers and intervals out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from turo.errors import RegistryError
from turo.models.derived import Derivation
from turo.models.encoding import Columns, Field, encode
from turo.models.estimators.base import Regressor
from turo.models.interval import Interval
from turo.models.kinds import regressor
from turo.models.mean_shift import MeanShift

FORMAT = 1
FILE = "forecaster.json"
REGRESSOR_FOLDER = "regressor"


class Outlook(NamedTuple):
    """What a forecaster says of rows, each (rows,): forecast, mean, and both ends of the interval."""

    forecast: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Forecaster:
    """Prediction = what is on the books (`offset`) + what the regressor expects on top, clipped to bounds.

    A change smaller than `threshold` is dropped. Fitted for absolute error this is a median: the best guess
    for one vehicle, and too low when added up over many. What is added up is `mean`.

    Attributes:
        fields: the features asked for, in order.
        offset: the column the regressor's output is added to, or None; a missing value counts as 0.
        minimum, maximum: bounds of the target (booked days: 0..horizon; counts and revenue: no upper bound).
        threshold: the least change to the books that is forecast, in units of the target; 0 = any.
        mean_shift: what to add for a mean; None = the forecast is one already.
        derivation: how reservations and revenue follow from expected days; None = not known.
        metadata: free plain values (name, parameters, digests) that travel with the model.
    """

    kind: str
    target: str
    horizon_days: int
    profile: str
    fields: tuple[Field, ...]
    model: Regressor
    interval_offsets: Interval
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
        return self._with_threshold(self.level(columns), columns)

    def mean(self, columns: Columns) -> np.ndarray:
        """Expected values (rows,), for sums: they may lie below what is on the books, which may be cancelled.

        A model saved without a shift answers its forecasts.
        """
        if self.mean_shift is None:
            return self.predict(columns)
        return self.mean_around(self.level(columns))

    def mean_around(self, level: np.ndarray) -> np.ndarray:
        """The same for levels already computed."""
        return level if self.mean_shift is None else self._possible(level + self.mean_shift.at(level))

    def derived(self, columns: Columns, mean: np.ndarray) -> dict[str, np.ndarray]:
        """Reservations and revenue (rows,) that follow from expected booked days; arithmetic, not a model.

        Args:
            columns: any of the table's; those of `derivation.columns` are used. NaN results where one of
                them is absent.
            mean: what `mean` answered for these rows.

        Returns:
            `reservations` and `revenue`, each only where training could learn it; never negative.
        """
        return {} if self.derivation is None else self.derivation.of(columns, mean)

    def level(self, columns: Columns) -> np.ndarray:
        """The forecast before the threshold is applied."""
        expected = self.model.predict(encode(self.fields, columns))
        if self.offset is not None:
            expected = expected + np.nan_to_num(columns[self.offset])
        return self._possible(expected)

    def outlook(self, columns: Columns) -> Outlook:
        """What `predict`, `mean` and `interval` answer, at the price of one of them."""
        level = self.level(columns)
        forecast = self._with_threshold(level, columns)
        mean = forecast if self.mean_shift is None else self.mean_around(level)
        return Outlook(forecast, mean, *self.interval_around(forecast))

    def interval(self, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends (rows,) between which 80 % of the outcomes are expected."""
        return self.interval_around(self.predict(columns))

    def interval_around(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for predictions already made, which lie within."""
        low, high = self.interval_offsets.around(predicted)
        return self._possible(low), self._possible(high)

    def save(self, folder: Path) -> None:
        """Write `forecaster.json` and the regressor's native files below `folder`, made if absent."""
        (folder / REGRESSOR_FOLDER).mkdir(parents=True, exist_ok=True)
        self.model.save(folder / REGRESSOR_FOLDER)
        plain = {key: getattr(self, name) for name, key in KEYS.items()}
        document = {
            "format": FORMAT,
            **plain,
            "fields": [item.to_json() for item in self.fields],
            "interval": self.interval_offsets.to_json(),
            "mean_shift": self.mean_shift and self.mean_shift.to_json(),
            "derivation": self.derivation and self.derivation.to_json(),
        }
        (folder / FILE).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            RegistryError: the folder holds no forecaster, or one of another format.
        """
        try:
            document = json.loads((folder / FILE).read_text())
        except (OSError, ValueError) as error:
            raise RegistryError(f"{folder} holds no readable {FILE}.", "Train the model again.") from error
        if document.get("format") != FORMAT:
            raise RegistryError(
                f"{folder / FILE} has format {document.get('format')!r}, this code reads {FORMAT}.",
                "Train the model again with this version.",
            )
        # Models saved by earlier versions lack both.
        shift, derivation = document.get("mean_shift"), document.get("derivation")
        return cls(
            **{name: document[key] for name, key in KEYS.items() if key in document},
            fields=tuple(Field.from_json(item) for item in document["fields"]),
            interval_offsets=Interval.from_json(document["interval"]),
            mean_shift=MeanShift.from_json(shift) if shift else None,
            derivation=Derivation.from_json(derivation) if derivation else None,
            model=regressor(document["kind"]).load(folder / REGRESSOR_FOLDER),
        )

    def _with_threshold(self, level: np.ndarray, columns: Columns) -> np.ndarray:
        if self.offset is None or not self.threshold:
            return level
        return self._possible(with_threshold(level, np.nan_to_num(columns[self.offset]), self.threshold))

    def _possible(self, values: np.ndarray) -> np.ndarray:
        least = np.maximum(values, self.minimum)  # np.clip costs one row several times as much
        return least if self.maximum is None else np.minimum(least, self.maximum)


PLAIN = ("kind", "target", "horizon_days", "profile", "offset", "minimum", "maximum", "metadata")
KEYS = {name: name for name in PLAIN} | {"threshold": "dead_zone"}  # attribute → key in the saved file


def with_threshold(expected: np.ndarray, books: np.ndarray, threshold: float) -> np.ndarray:
    """`expected`, but what is on the books where the two differ by less than `threshold`."""
    return np.where(np.abs(expected - books) < threshold, books, expected)
