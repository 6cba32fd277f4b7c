"""Learn how reservations and revenue follow from expected booked days."""

from __future__ import annotations

import numpy as np

from turo.models import derived
from turo.models.derived import ARITHMETIC, PRICE, TRIP_DAYS, Derivation, weights
from turo.models.encoding import Columns
from turo.table import targets
from turo.table.model_columns import numbers
from turo.table.targets import on_the_books
from turo.training.recipe import take
from turo.training.training_rows import TrainingTable

MIN_ROWS = 30  # forecasts of the past, as for a range; what so few do not tell is arithmetic
TARGETS = {derived.RESERVATIONS: targets.RESERVATIONS, derived.REVENUE: targets.REVENUE}


def learn(table: TrainingTable, offset: str | None, rows: np.ndarray, mean: np.ndarray) -> Derivation | None:
    """From means of rows the model had not seen; None where days are not the target, or too little is known.

    What was booked is compared with the expected days, not with the actual ones, because a forecast has only
    the former: a window that was full by luck says nothing about one that is expected to be full.

    Args:
        offset: the model's column on the books.
        rows: row numbers in the table.
        mean: expected days of those rows.
    """
    if table.target != targets.BOOKED_DAYS or offset is None:
        return None
    columns = take(table.columns(), rows)
    revenue_books = on_the_books(targets.REVENUE, columns)
    blank = Derivation(
        days=offset,
        trips=on_the_books(targets.RESERVATIONS, columns),
        revenue_books=revenue_books if revenue_books in columns else None,
        trip_days=_median(columns, TRIP_DAYS),
        price=_median(columns, PRICE),
        reservations=None,
        revenue=None,
    )
    terms = {
        derived.RESERVATIONS: blank.reservation_terms(columns, mean),
        derived.REVENUE: blank.revenue_terms(columns, mean),
    }
    learnt: dict[str, tuple[float, ...]] = {}
    for name, (books, asked) in terms.items():
        actual = actuals(table, name)
        if actual is None:
            continue
        known = np.isfinite(actual[rows] - books) & np.isfinite(asked).all(axis=1)
        if known.sum() >= MIN_ROWS:
            learnt[name] = weights(asked[known], (actual[rows] - books)[known], ARITHMETIC[name])
    return Derivation(**{**vars(blank), **learnt}) if learnt else None


def actuals(table: TrainingTable, name: str) -> np.ndarray | None:
    """What came true of `reservations` or `revenue` (all rows of the table,), NaN where not known."""
    target = TARGETS[name]
    if target not in table.rows.columns:
        return None
    return numbers(table.rows[target])


def _median(columns: Columns, name: str) -> float | None:
    values = columns.get(name, np.empty(0))
    known = values[np.isfinite(values) & (values > 0)]
    return float(np.median(known)) if known.size else None
