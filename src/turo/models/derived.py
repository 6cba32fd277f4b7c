"""Reservations and revenue that follow from expected booked days.

Dividing the days still to come by the mean trip length counts too few reservations: a trip that is booked
late runs on beyond the window, and puts less than its length into it. So what new bookings really put in is
learnt, from windows that are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from turo.models.encoding import Columns

RESERVATIONS, REVENUE = "reservations", "revenue"
TRIP_DAYS, PRICE = "mean_trip_days", "base_price_day"
RIDGE = 1e-6  # of the mean square of a term: only terms that say the same as others feel it
# Arithmetic: an extra day is a part of a trip of the vehicle's length, at its price.
ARITHMETIC = {RESERVATIONS: (0.0, 0.0, 1.0, 0.0), REVENUE: (1.0, 0.0)}
ARITHMETIC_ROWS = 3  # as many rows of the past say the same as the arithmetic


@dataclass(frozen=True)
class Derivation:
    """Linear in the expected days, so that what holds for means of rows holds for their sums.

    Attributes:
        days, trips, revenue_books: columns of what is on the books; the last is None where prices of
            cancelled rows are unknown: then its days count at the vehicle's own price.
        trip_days, price: imputed where a vehicle has no value of its own; None = no vehicle has one.
        reservations: weights of expected days in trip lengths, extra days, extra days in trip lengths, 1.
        revenue: weights of extra days at the vehicle's price, of revenue on the books; or None.
    """

    days: str
    trips: str
    revenue_books: str | None
    trip_days: float | None
    price: float | None
    reservations: tuple[float, ...] | None
    revenue: tuple[float, ...] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is looked at."""
        books = (self.revenue_books,) if self.revenue_books else ()
        return (self.days, self.trips, TRIP_DAYS, PRICE, *books)

    def of(self, columns: Columns, mean: np.ndarray) -> dict[str, np.ndarray]:
        """What follows from booked days (rows,) or (rows, draws), in the same shape.

        NaN where a column is absent, or a row has no value of its own and none is imputed.
        """
        found = {}
        if self.reservations is not None:
            books, terms = self.reservation_terms(columns, mean)
            found[RESERVATIONS] = _total(books, terms, self.reservations)
        if self.revenue is not None:
            books, terms = self.revenue_terms(columns, mean)
            found[REVENUE] = _total(books, terms, self.revenue)
        return found

    def reservation_terms(self, columns: Columns, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Trips on the books, and what the weights are for (…, 4); … is the shape of the days.

        Args:
            mean: booked days (rows,) or (rows, draws).
        """
        extra = mean - self._books(columns, self.days, mean)
        length = self._known(columns, TRIP_DAYS, self.trip_days, mean)
        terms = np.stack([mean / length, extra, extra / length, np.ones_like(mean)], axis=-1)
        return self._books(columns, self.trips, mean), terms

    def revenue_terms(self, columns: Columns, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Revenue on the books, and what the weights are for (…, 2); see `reservation_terms`."""
        price = self._known(columns, PRICE, self.price, mean)
        days = self._books(columns, self.days, mean)
        books = self._books(columns, self.revenue_books, mean) if self.revenue_books else days * price
        return books, np.stack([(mean - days) * price, books], axis=-1)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        weights = {name: data[name] and tuple(data[name]) for name in (RESERVATIONS, REVENUE)}
        return cls(**{**data, **weights})

    @staticmethod
    def _books(columns: Columns, name: str, mean: np.ndarray) -> np.ndarray:
        """A gap in a column on the books is nothing booked; an absent column is not known."""
        return _as_wide(np.nan_to_num(columns[name]) if name in columns else np.nan, mean)

    @staticmethod
    def _known(columns: Columns, name: str, imputed: float | None, mean: np.ndarray) -> np.ndarray:
        if name not in columns:
            return _as_wide(np.nan, mean)
        values = columns[name]
        usual = np.nan if imputed is None else imputed
        return _as_wide(np.where(np.isfinite(values) & (values > 0), values, usual), mean)


def weights(terms: np.ndarray, rest: np.ndarray, known: tuple[float, ...] = ()) -> tuple[float, ...]:
    """Least squares of `rest` (rows,) on `terms` (rows, k).

    Args:
        known: weights that hold where the rows do not tell (ARITHMETIC). A baseline adds nearly the same to
            all books: its few rows cannot tell extra days from the constant, and draws ask far from them.
    """
    gram = terms.T @ terms
    prior = np.array(known or [0.0] * terms.shape[1])
    share = RIDGE + (ARITHMETIC_ROWS / len(terms) if known else 0.0)
    penalty = share * np.diag(np.maximum(np.diag(gram), 1e-12))
    return tuple(np.linalg.solve(gram + penalty, terms.T @ rest + penalty @ prior).tolist())


def _as_wide(values: np.ndarray | float, mean: np.ndarray) -> np.ndarray:
    """One value a row, (rows,), or one for all, in the shape of the days."""
    each = np.broadcast_to(values, mean.shape[:1])
    return np.broadcast_to(each.reshape(-1, *[1] * (mean.ndim - 1)), mean.shape)


def _total(books: np.ndarray, terms: np.ndarray, learnt: tuple[float, ...]) -> np.ndarray:
    # Term by term, not by BLAS: a row's sum must not depend on the rows beside it.
    total = terms[..., 0] * learnt[0]
    for number in range(1, len(learnt)):
        total += terms[..., number] * learnt[number]
    return np.maximum(books + total, 0.0)
