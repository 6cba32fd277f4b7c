"""Rows of JSON values to typed columns, and the exact reason where that is impossible.

Valid requests are read without looking at single values: a batch column by column, a few rows in one numpy
call. Only a request with an error is read value by value, to name row, column, expected and got.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NoReturn

import numpy as np

from turo.serving.forms.rows_fast_path import ColumnReader, Columns, Field
from turo.serving.http.problems import MAX_ERRORS, Problem, cut, shown

__all__ = ["Columns", "Field", "RowReader", "accepts", "expected"]

NUMBERS = frozenset((int, float))
NUMBERS_OR_NULL = frozenset((int, float, type(None)))
LARGEST = 1.7976931348623157e308

Getter = Callable[[Any], tuple[Any, ...]]


class RowReader:
    """Reads the rows of one model. `fields` are its input columns, in any order."""

    def __init__(self, fields: Sequence[Field], max_rows: int) -> None:
        self.fields = tuple(fields)
        self.names = tuple(field.name for field in fields)
        self.max_rows = max_rows
        self.numbers = [field for field in fields if field.kind == "number"]
        self.categories = [field for field in fields if field.kind != "number"]
        self._number_names = tuple(field.name for field in self.numbers)
        self.columns = ColumnReader(fields)
        self._nullable = np.array([field.nullable for field in self.numbers], dtype=bool)
        self._from_record = self._getters(itemgetter, [f.name for f in self.numbers + self.categories])

    def _getters(self, getter: Callable[..., Any], keys: Sequence[Any]) -> tuple[Getter, Getter]:
        def several(chosen: Sequence[Any]) -> Getter:
            if len(chosen) == 1:  # itemgetter of one key gives the bare value
                return lambda row: (row[chosen[0]],)
            return getter(*chosen) if chosen else lambda row: ()

        return several(keys[: len(self.numbers)]), several(keys[len(self.numbers) :])

    def from_records(self, rows: Any) -> tuple[Columns, int]:
        """Columns of a list of objects `{name: value}`; also the number of strings in it, keys included."""
        self.check_count(rows)
        if found := self.columns.of_records(rows):
            return found[0], found[1] + len(rows) * len(self.names)
        try:
            if {*map(type, rows)} == {dict} and {*map(len, rows)} == {len(self.names)}:
                columns, strings = self._convert(rows, *self._from_record)
                return columns, strings + len(rows) * len(self.names)
        except (KeyError, TypeError, ValueError, OverflowError):
            pass
        self.refuse(rows)

    def from_lists(self, names: Sequence[str], rows: Any) -> tuple[Columns, int]:
        """Columns of a list of lists whose positions are `names` (any order); also its number of strings."""
        self.check_count(rows)
        self.check_names(names)
        if found := self.columns.of_lists(names, rows):
            return found
        try:
            if {*map(type, rows)} <= {list, tuple} and {*map(len, rows)} == {len(names)}:
                order = [names.index(field.name) for field in self.numbers + self.categories]
                return self._convert(rows, *self._getters(itemgetter, order))
        except (TypeError, ValueError, OverflowError):
            pass
        for number, row in enumerate(rows):
            if not isinstance(row, list | tuple) or len(row) != len(names):
                error = {"row": number, "expected": f"a list of {len(names)} values", "got": shown(row)}
                raise Problem(422, f"Row {number} must be a list of {len(names)} values.", [error])
        self.refuse([dict(zip(names, row, strict=True)) for row in rows])

    def check_count(self, rows: Any) -> None:
        """Refuse what is not a list, has no rows, or has more rows than the limit."""
        if not isinstance(rows, list):
            raise Problem(422, f"The rows must be a JSON list of objects; got {shown(rows)}.")
        if not rows:
            raise Problem(422, "The batch is empty; send at least one row.")
        self.check_rows(len(rows))

    def check_rows(self, rows: int) -> None:
        """Refuse more rows than the limit."""
        if rows > self.max_rows:
            raise Problem(413, f"The batch has {rows} rows; at most {self.max_rows} are taken at once.")

    def check_names(self, names: Sequence[Any]) -> None:
        """Refuse missing, unknown or repeated column names."""
        times = Counter(names)
        errors: list[dict[str, Any]] = [
            {"column": cut(name), "expected": "no such column", "got": "one"}
            for name in islice((name for name in names if name not in self.names), MAX_ERRORS)
        ]
        for name in self.names:
            if times[name] != 1:
                got = f"{times[name]} times" if times[name] else "nothing"
                errors.append({"column": name, "expected": "exactly once", "got": got})
        if errors:
            column, wanted, got = errors[0].values()
            raise Problem(422, f"Column {column}: expected {wanted}, got {got}.", errors)

    def _convert(
        self, rows: Sequence[Any], get_numbers: Getter, get_categories: Getter
    ) -> tuple[Columns, int]:
        columns: Columns = {}
        strings = 0
        if self.numbers:
            values = list(map(get_numbers, rows))
            kinds = set(map(type, chain.from_iterable(values)))
            matrix = np.array(values, dtype=np.float64)
            if not kinds <= NUMBERS:
                nulls = sum(value is None for value in chain.from_iterable(values))
                missing = np.isnan(matrix)
                in_order = kinds <= NUMBERS_OR_NULL and missing.sum() == nulls
                if not in_order or (missing.any(axis=0) & ~self._nullable).any() or np.isinf(matrix).any():
                    raise ValueError
            elif not np.isfinite(matrix).all():
                raise ValueError
            columns.update(zip(self._number_names, matrix.T, strict=True))
        if self.categories:
            by_column = zip(*map(get_categories, rows), strict=True)
            for field, known, column in zip(self.categories, self.columns.known, by_column, strict=True):
                if not known.issuperset(column):
                    raise ValueError
                strings += len(column) - column.count(None)
                columns[field.name] = np.array(column, dtype=object)
        return columns, strings

    def refuse(self, rows: Sequence[Any]) -> NoReturn:
        """Raise the 422 that names every odd value of the first rows that have one."""
        found = chain.from_iterable(self._row_errors(number, row) for number, row in enumerate(rows))
        errors = list(islice(found, MAX_ERRORS))
        if not errors:
            raise Problem(422, "The rows could not be read as a table of the model's columns.")
        first = errors[0]
        where = f"Row {first['row']}" + (f", column {first['column']}" if "column" in first else "")
        raise Problem(422, f"{where}: expected {first['expected']}, got {first['got']}.", errors)

    def _row_errors(self, number: int, row: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(row, dict):
            yield {"row": number, "expected": "an object of column names and values", "got": shown(row)}
            return
        for field in self.fields:
            got = row.get(field.name, ...)
            if got is ... or not accepts(field, got):
                seen = "nothing" if got is ... else shown(got)
                yield {"row": number, "column": field.name, "expected": expected(field), "got": seen}
        for name in row:
            if name not in self.names:
                yield {
                    "row": number,
                    "column": cut(name),
                    "expected": "no such column",
                    "got": shown(row[name]),
                }


def accepts(field: Field, value: Any) -> bool:
    """Whether one JSON value fits one field; a boolean is not a number."""
    if value is None:
        return field.nullable
    if field.kind != "number":
        return isinstance(value, str) and value in field.categories
    if type(value) is int:
        return abs(value) <= LARGEST
    return type(value) is float and math.isfinite(value)


def expected(field: Field) -> str:
    """What a field takes, in words."""
    text = "a finite number"
    if field.kind != "number":
        text = "one of " + ", ".join(shown(category) for category in field.categories)
    return f"{text} or null" if field.nullable else text
