"""Columns in, one float64 matrix out: numbers as they are, categories one-hot, missing NaN or all zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from turo.errors import InputError

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Field:
    """One feature a model asks for.

    Attributes:
        kind: "number" (float64, NaN = missing) or "category" (object array of str | None).
        nullable: whether the training rows had missing values here.
        categories: the values seen in training, sorted; any other value is treated as missing.
        minimum, maximum: range of the training rows (numbers): for documentation and drift, not a limit.
    """

    name: str
    kind: Literal["number", "category"]
    nullable: bool = False
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {**asdict(self), "categories": list(self.categories)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Field:
        """The inverse of `to_json`."""
        return cls(**{**data, "categories": tuple(data["categories"])})


def describe(columns: Columns, categories: Sequence[str]) -> tuple[Field, ...]:
    """Fields of the training columns, in their order; `categories` names the ones that are not numbers."""
    return tuple(
        _category(name, values) if name in categories else _number(name, values)
        for name, values in columns.items()
    )


def _number(name: str, values: np.ndarray) -> Field:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (None, None)
    return Field(name, "number", bool(known.size < values.size), (), low, high)


def _category(name: str, values: np.ndarray) -> Field:
    known = {value for value in values.tolist() if value is not None}
    return Field(name, "category", any(value is None for value in values.tolist()), tuple(sorted(known)))


def names(fields: Sequence[Field]) -> list[str]:
    """Names of the matrix's columns: the numbers, then `field=value` for each known category."""
    numbers = [field.name for field in fields if field.kind == "number"]
    return numbers + [
        f"{field.name}={value}" for field in fields if field.kind == "category" for value in field.categories
    ]


def encode(fields: Sequence[Field], columns: Columns) -> np.ndarray:
    """Matrix (rows, columns as `names` says), float64, C order.

    Raises:
        InputError: a column is absent.
    """
    try:
        numbers = [columns[field.name] for field in fields if field.kind == "number"]
        categories = [(field, columns[field.name]) for field in fields if field.kind == "category"]
    except KeyError as error:
        raise InputError(
            f"Column {error.args[0]!r} is missing.", "Send every feature of the schema."
        ) from error
    rows = len(numbers[0]) if numbers else len(categories[0][1])
    matrix = np.zeros((rows, len(numbers) + sum(len(field.categories) for field, _ in categories)))
    for position, values in enumerate(numbers):
        matrix[:, position] = values
    start = len(numbers)
    for field, values in categories:
        places = {value: start + index for index, value in enumerate(field.categories)}
        for row, value in enumerate(values.tolist()):
            place = places.get(value)
            if place is not None:
                matrix[row, place] = 1.0
        start += len(field.categories)
    return matrix
