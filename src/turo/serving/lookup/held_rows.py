"""Rows of the prepared table in memory as compact arrays, with an index by vehicle and origin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from turo.table.names import ORIGIN, VEHICLE

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class InMemory:
    """A table as NumPy arrays: making pyarrow's value objects for one row costs more than predicting it.

    Attributes:
        numbers: (rows, columns) of float64; missing is NaN.
        codes: (rows, columns) of the others, as places in `values`; the last value is None, at -1.
        places: by vehicle and origin the row.
    """

    number_names: list[str]
    numbers: np.ndarray
    other_names: list[str]
    codes: np.ndarray
    values: list[list[Any]]
    places: dict[str, dict[date | None, int]]
    newest: date | None
    at_hand = True

    @classmethod
    def of(cls, table: pa.Table) -> InMemory:
        """Take a table over."""
        import pyarrow as pa

        number_names = [field.name for field in table.schema if pa.types.is_floating(field.type)]
        numbers = np.empty((len(table), len(number_names)), order="F")
        for place, name in enumerate(number_names):
            numbers[:, place] = table[name].to_numpy()
        others = [name for name in table.column_names if name not in number_names]
        codes = np.empty((len(table), len(others)), dtype=np.int32, order="F")
        values: list[list[Any]] = []
        for place, name in enumerate(others):
            coded = table[name].combine_chunks().dictionary_encode()
            codes[:, place] = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            values.append([*coded.dictionary.to_pylist(), None])

        def column(name: str) -> list[Any]:  # equal values are one object
            place = others.index(name)
            return [values[place][code] for code in codes[:, place].tolist()]

        vehicles, dated = column(VEHICLE), ORIGIN in others
        origins = column(ORIGIN) if dated else [None] * len(vehicles)
        places: dict[str, dict[date | None, int]] = {}
        for row, (vehicle, origin) in enumerate(zip(vehicles, origins, strict=True)):
            places.setdefault(vehicle, {})[origin] = row
        newest = max(origins, default=None) if dated else None
        return cls(number_names, numbers, others, codes, values, places, newest)

    def origins(self, vehicle_id: str) -> Iterable[date | None]:
        """Origins of a vehicle, none where it is unknown."""
        return self.places.get(vehicle_id, {})

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any] | None:
        """One row by column, missing values None; None where there is no such row."""
        row = self.places.get(vehicle_id, {}).get(origin)
        if row is None:
            return None
        numbers: list[Any] = self.numbers[row].tolist()
        for place in np.flatnonzero(np.isnan(self.numbers[row])).tolist():
            numbers[place] = None
        found = dict(zip(self.number_names, numbers, strict=True))
        for name, values, code in zip(self.other_names, self.values, self.codes[row].tolist(), strict=True):
            found[name] = values[code]
        return found
