"""What a model must beat: eight forecasts that need no model, fitted on the same training rows."""

from __future__ import annotations

import numpy as np

from turo.models.encoding import Columns
from turo.table.targets import TARGET, bound, on_the_books
from turo.training.evaluation.booking_curve import booking_curves

Forecasts = dict[str, np.ndarray]

NAMES = {
    "last_28_days": "Mean of the last 28 days",
    "last_year": "Same window last year",
    "on_the_books": "On the books only",
    "books_and_pickup": "On the books + mean pickup",
    "class_mean": "Mean of the vehicle class",
    "curve_additive": "Booking curve (additive)",
    "curve_multiplicative": "Booking curve (multiplicative)",
    "curve_survival": "Survival of the books + pickup",
    "mean": "Mean predictor",
    "linear": "Linear regression",
}


def time_baselines(target: str, horizon_days: int, train: Columns, y: np.ndarray, test: Columns) -> Forecasts:
    """Forecasts (test rows,) by name; NaN where a baseline cannot say anything.

    Args:
        train, y: the training rows, from which pickup, booking curves and class means are taken.
        test: the rows to forecast.
    """
    known = TARGET[target]
    books = on_the_books(target, test)
    rows = len(next(iter(test.values())))
    unknown = np.full(rows, np.nan)
    last_28 = test.get(known.recent, unknown) * horizon_days / 28
    year = test.get(known.last_year, unknown)
    forecasts = {
        "last_28_days": last_28,
        "last_year": np.where(np.isfinite(year), year, last_28),
        "on_the_books": test.get(books, unknown),
        "books_and_pickup": unknown,
        "class_mean": _class_mean(train.get("class"), y, test.get("class"), rows),
        **booking_curves(target, horizon_days, train, y, test),
    }
    if books in train:
        pickup = float(np.nanmean(y - train[books]))
        forecasts["books_and_pickup"] = test[books] + pickup
    return {name: np.clip(values, 0.0, bound(target, horizon_days)) for name, values in forecasts.items()}


def table_baselines(train: np.ndarray, y: np.ndarray, test: np.ndarray) -> Forecasts:
    """Mean predictor and linear regression on encoded matrices, for tables without dates."""
    middle = np.nan_to_num(np.nanmean(train, axis=0))

    def design(X: np.ndarray) -> np.ndarray:
        return np.concatenate([np.where(np.isnan(X), middle, X), np.ones((len(X), 1))], axis=1)

    weights, *_ = np.linalg.lstsq(design(train), y, rcond=None)
    return {"mean": np.full(len(test), y.mean()), "linear": design(test) @ weights}


def _class_mean(train: np.ndarray | None, y: np.ndarray, test: np.ndarray | None, rows: int) -> np.ndarray:
    overall = float(y.mean())
    if train is None or test is None:
        return np.full(rows, overall)
    known = {value: float(y[train == value].mean()) for value in set(train.tolist()) if value is not None}
    return np.array([known.get(value, overall) for value in test.tolist()])
