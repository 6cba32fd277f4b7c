"""Fast path from JSON rows to columns: whole columns of a batch at once, for valid input only.

Where anything is odd it returns None, and `turo.serving.forms.rows` reads the rows one by one and names the
error. It accepts nothing that `rows` would refuse, and gives the same numbers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np

FEW_ROWS = 8  # below it a row at a time is as fast

Columns = dict[str, np.ndarray]
Values = Sequence[Any] | np.ndarray  # of JSON, or as binary tensors hold them: there NaN is a missing value


class Field(Protocol):
    """What must be known of a model's input column: `turo.models.encoding.Field` is one."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def nullable(self) -> bool: ...
    @property
    def categories(self) -> Sequence[str]: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...


class ColumnReader:
    """Reads the batches of one model. `fields` are its input columns, in any order."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.names = frozenset(field.name for field in fields)
        self.numbers = [field for field in fields if field.kind == "number"]
        self.categories = [field for field in fields if field.kind != "number"]
        self.known = [frozenset(f.categories) | ({None} if f.nullable else set()) for f in self.categories]

    def of_records(self, rows: list[Any]) -> tuple[Columns, int] | None:
        """Columns of objects whose keys come in one order; see `read`."""
        if len(rows) < FEW_ROWS:
            return None
        try:
            names = list(rows[0])
            if not all(list(row) == names for row in rows):
                return None
            values = list(chain.from_iterable(map(dict.values, rows)))
        except TypeError:
            return None
        width = len(names)
        return self.read({name: values[place::width] for place, name in enumerate(names)}, len(rows))

    def of_lists(self, names: Sequence[str], rows: list[Any]) -> tuple[Columns, int] | None:
        """Columns of lists whose positions are `names`; see `read`."""
        if len(rows) < FEW_ROWS or not {*map(type, rows)} <= {list, tuple}:
            return None
        if {*map(len, rows)} != {len(names)}:
            return None
        return self.read(dict(zip(names, zip(*rows, strict=True), strict=True)), len(rows))

    def read(self, values: Mapping[str, Values], rows: int) -> tuple[Columns, int] | None:
        """Columns (rows,) as a model takes them, and the number of strings in those of JSON.

        Returns:
            None where anything is odd: a name, a type, a value that the field does not take.
        """
        if rows < 1 or values.keys() != self.names or {*map(len, values.values())} != {rows}:
            return None
        try:
            numbers = self._numbers([values[field.name] for field in self.numbers], rows)
            categories = self._categories([values[field.name] for field in self.categories])
        except (TypeError, ValueError, OverflowError):
            return None
        if numbers is None or categories is None:
            return None
        columns, strings = categories
        return dict(zip((field.name for field in self.numbers), numbers, strict=True)) | columns, strings

    def _numbers(self, columns: list[Values], rows: int) -> np.ndarray | None:
        matrix = np.empty((len(columns), rows))
        for number, (field, column) in enumerate(zip(self.numbers, columns, strict=True)):
            if isinstance(column, np.ndarray):
                if column.dtype == object:
                    return None
                matrix[number] = column
            elif not pack(column, matrix[number]):
                if not field.nullable:
                    return None
                if not pack([math.nan if value is None else value for value in column], matrix[number]):
                    return None
        finite = np.isfinite(matrix)
        for number in np.flatnonzero(~finite.all(axis=1)).tolist():
            column, missing = columns[number], int(np.isnan(matrix[number]).sum())
            nulls = missing if isinstance(column, np.ndarray) else column.count(None)
            infinite = rows - int(finite[number].sum()) - missing
            if infinite or nulls != missing or not self.numbers[number].nullable:
                return None
        return matrix

    def _categories(self, columns: list[Values]) -> tuple[Columns, int] | None:
        found: Columns = {}
        strings = 0
        for field, known, column in zip(self.categories, self.known, columns, strict=True):
            if not known.issuperset(column):
                return None
            if not isinstance(column, np.ndarray):
                strings += len(column) - column.count(None)
            found[field.name] = np.array(column, dtype=object)
        return found, strings


def pack(column: Sequence[Any], cells: np.ndarray) -> bool:
    """Write the numbers of a JSON column into `cells`; False where one value is no number.

    Faster than `np.fromiter`, which would take text for a number. Of what is no number `struct` takes only
    true and false, as 1 and 0: where such values are few, they alone are looked at.
    """
    try:
        struct.pack_into(f"{len(column)}d", cells.data, 0, *column)
    except struct.error:
        return False
    ones_and_zeros = (cells == 0.0) | (cells == 1.0)
    if np.count_nonzero(ones_and_zeros) > len(column) // 8:
        return bool not in {*map(type, column)}
    return bool not in {type(column[row]) for row in np.flatnonzero(ones_and_zeros).tolist()}
