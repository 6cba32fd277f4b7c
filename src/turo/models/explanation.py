"""Why a forecast is what it is: how much each feature adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from turo.models.encoding import Columns, Field, encode
from turo.models.estimators.base import Additive
from turo.models.forecaster import Forecaster
from turo.models.kinds import REGRESSORS

# Not features: columns of tables have no parentheses in their names.
ON_THE_BOOKS = "(on the books)"  # what the regressor's output is added to
AROUND = (
    "(distribution and bounds)"  # from the level to the prediction: the distribution's median or mean, bounds
)


class Explanation(NamedTuple):
    """Of each row: prediction = base + the sum of its contributions, all (rows,), in units of the target.

    Attributes:
        base: what the regressor expects on top of the books, on average over its training rows.
        contributions: by feature; then what is on the books, and what the distribution and bounds change.
    """

    prediction: np.ndarray
    base: np.ndarray
    contributions: dict[str, np.ndarray]


def explains(model: object) -> bool:
    """Whether `explain` can: it asks the regressor for its contributions."""
    return isinstance(model, Forecaster) and isinstance(model.model, Additive)


def kinds_that_explain() -> list[str]:
    """Those kinds of model that have contributions."""
    return [kind for kind, regressor in REGRESSORS.items() if issubclass(regressor, Additive)]


def explain(model: Forecaster, columns: Columns) -> Explanation:
    """Contributions of every feature to the predictions of these rows; a category's as one.

    Args:
        columns: as `Forecaster.predict` takes them.

    Raises:
        InputError: a column is absent.
        TypeError: `explains` says no.
    """
    if not isinstance(model.model, Additive):
        raise TypeError(f"Models of kind {model.kind!r} have no contributions.")
    parts = model.model.contributions(encode(model.fields, columns))
    base, books = parts[:, -1], model.books(columns)
    prediction = model.predict(columns)
    known = base + parts[:, :-1].sum(axis=1) + books
    by_feature = np.zeros((len(model.fields), len(parts)))
    np.add.at(by_feature, owners(model.fields), parts[:, :-1].T)  # a product would wake BLAS's threads
    contributions = dict(zip((field.name for field in model.fields), by_feature, strict=True))
    return Explanation(prediction, base, {**contributions, ON_THE_BOOKS: books, AROUND: prediction - known})


def owners(fields: Sequence[Field]) -> list[int]:
    """Of which field, by its number, each encoded column is (columns,)."""
    numbers = [place for place, field in enumerate(fields) if field.kind == "number"]
    categories = [
        place for place, field in enumerate(fields) if field.kind == "category" for _ in field.categories
    ]
    return numbers + categories
