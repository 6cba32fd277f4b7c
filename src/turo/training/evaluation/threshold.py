"""The threshold: the least expected change from what is on the books that is worth forecasting.

Within a week four vehicles of five end with exactly what is on their books, and the forecast with the least
absolute error says so. Smooth models cannot: they expect a little more or less for every vehicle. So smaller
changes are dropped. How small is learnt from forecasts of rows that the model had not seen.
"""

from __future__ import annotations

import numpy as np

from turo.training.evaluation.metrics import row_loss


def learn_threshold(y: np.ndarray, predicted: np.ndarray, books: np.ndarray, metric: str) -> float:
    """The threshold with which the loss of these rows is least; 0 = keep every change.

    Args:
        y, predicted: of out-of-sample forecasts (rows,).
        books: what was on the books of each row.
    """
    size = np.abs(predicted - books)
    order = np.argsort(size, kind="stable")
    saved = np.cumsum((row_loss(y, predicted, metric) - row_loss(y, books, metric))[order])
    # Changes of one size are dropped together: the threshold can only lie after the last of them.
    stops = np.flatnonzero(np.append(np.diff(size[order]) > 0, True))
    best = stops[np.argmax(saved[stops])]
    if saved[best] <= 0:
        return 0.0
    # Midway to the next larger change, for rows yet to come: where sizes lie apart, some fall in between.
    least = float(np.nextafter(size[order][best], np.inf))
    larger = size[order][best + 1 : best + 2]
    return max(least, float((size[order][best] + larger[0]) / 2)) if larger.size else least
