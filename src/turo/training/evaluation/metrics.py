"""How far off forecasts are. MAE first; no MAPE, because empty windows are common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from turo.table.targets import BOOKED_DAYS, TARGET

if TYPE_CHECKING:
    from turo.models.encoding import Columns
    from turo.training.training_rows import TrainingTable

METRICS = ("mae", "rmse", "wape", "mase", "bias")


def score(y: np.ndarray, predicted: np.ndarray, scale: float) -> dict[str, float]:
    """All metrics of one forecast; rows without a prediction (NaN) are left out.

    Args:
        scale: the in-sample error of the seasonal naive forecast, which MASE is measured in.

    Returns:
        mae, rmse and bias (mean of predicted - y) in units of the target; wape, mase = mae / scale.
    """
    known = np.isfinite(predicted)
    error, y = predicted[known] - y[known], y[known]
    if not error.size:
        return dict.fromkeys(METRICS, float("nan"))
    mae = float(np.abs(error).mean())
    total = float(np.abs(y).mean())
    return {
        "mae": mae,
        "rmse": float(np.sqrt((error**2).mean())),
        "wape": ratio(mae, total),
        "mase": ratio(mae, scale),
        "bias": float(error.mean()),
    }


def ratio(value: float, reference: float) -> float:
    """value / reference; NaN where the reference is 0: what is exact cannot be beaten by a share."""
    return value / reference if reference else float("nan")


def row_loss(y: np.ndarray, predicted: np.ndarray, metric: str) -> np.ndarray:
    """What each row adds to `mae` or `rmse`: |e| or e²."""
    error = predicted - y
    return error**2 if metric == "rmse" else np.abs(error)


def pinball(y: np.ndarray, quantile: np.ndarray, level: float) -> np.ndarray:
    """Quantile loss of each row (rows,): least on average where `quantile` is the one of that level."""
    return np.where(y >= quantile, level * (y - quantile), (1 - level) * (quantile - y))


def interval_score(y: np.ndarray, low: np.ndarray, high: np.ndarray, coverage: float) -> np.ndarray:
    """Width of each interval (rows,), and what it missed by times 2 / (1 - coverage) (Winkler 1972)."""
    missed = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    return high - low + missed * 2 / (1 - coverage)


def seasonal_scale(y: np.ndarray, last_year: np.ndarray, last_window: np.ndarray) -> float:
    """In-sample MAE of "as in the same window last year" (Hyndman and Koehler 2006), for MASE.

    Training rows without a year of history fall back to the window before; without either they are left out.
    """
    naive = np.where(np.isfinite(last_year), last_year, last_window)
    known = np.isfinite(naive)
    return (
        float(np.abs(y[known] - naive[known]).mean()) if known.any() else float(np.abs(y - y.mean()).mean())
    )


def scale_of(table: TrainingTable, train: Columns, y: np.ndarray) -> float:
    """What MASE is measured in, from the training rows of a table.

    The window before is known for booked days; other targets take the rate of the last 28 days.
    """
    unknown = np.full(len(y), np.nan)
    known = TARGET[table.target]
    before = train.get(known.recent, unknown) * table.horizon_days / 28
    if table.target == BOOKED_DAYS:
        before = train.get("lag_1", unknown)
    return seasonal_scale(y, train.get(known.last_year, unknown), before)
