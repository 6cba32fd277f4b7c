"""What each topic adds to a number, asked of a model that cannot tell itself: SVR, KNN, the ensemble.

Shapley values from sampled orders (Strumbelj and Kononenko 2014): an average row becomes the vehicle's topic
after topic, in random order, and each topic gets by how much its step moves what the regressor expects. Every
order is walked backwards as well, so what two topics do together is shared. The steps of an order lead from
that row to the vehicle: the effects add up however few orders are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

ORDERS, LEAST_ORDERS = 4, 1  # each walked both ways
PREDICTIONS = 150_000  # of one horizon, beyond which a fleet gets fewer orders, but one at least
SEED = 0


def average(past: np.ndarray) -> np.ndarray:
    """The mean of what is known in each column of encoded rows (columns,); NaN where nothing is."""
    known = np.isfinite(past)
    count = known.sum(axis=0)
    sums = np.where(known, past, 0.0).sum(axis=0)
    return np.divide(sums, count, out=np.full(past.shape[1], np.nan), where=count > 0)


def effects(
    predict: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    start: np.ndarray,
    topics: Sequence[np.ndarray],
) -> np.ndarray:
    """What each topic adds (topics, rows), in units of the target, to what is expected of `start`.

    Args:
        predict: from encoded features (rows, columns) to (rows,).
        X: encoded features of the vehicles (rows, columns).
        start: the same of an average row (columns,).
        topics: numbers of the columns of each; together all of them.
    """
    generator = np.random.default_rng(SEED)
    orders = int(np.clip(PREDICTIONS // (2 * len(topics) * max(len(X), 1)), LEAST_ORDERS, ORDERS))
    added = np.zeros((len(topics), len(X)))
    for _ in range(orders):
        order = generator.permutation(len(topics))
        for walked in (order, order[::-1]):
            rows = np.tile(start, (len(X), 1))
            before = predict(rows)
            for topic in walked:
                rows[:, topics[topic]] = X[:, topics[topic]]
                after = predict(rows)
                added[topic] += after - before
                before = after
    return added / (2 * orders)
