"""Places of what came true in the distributions of a baseline: none of these has seen it."""

from __future__ import annotations

import numpy as np

from turo.forecast.baselines.baseline_places import out_of_sample

WEEKS, VEHICLES, HORIZON = 40, 6, 28


def past(weeks: int = WEEKS):
    generator = np.random.default_rng(3)
    origins = np.repeat(np.datetime64("2025-01-06") + 7 * np.arange(weeks), VEHICLES)
    books = generator.uniform(0, 14, len(origins))
    actual = np.minimum(books + generator.gamma(2, 3, len(origins)), 28)
    X = np.stack([books + 6, books, np.full(len(books), 6.0)], axis=1)
    return X, books, actual, origins


def test_what_came_true_in_the_same_weeks_moves_no_place():
    X, books, actual, origins = past()
    first = out_of_sample(X, books, actual, origins, HORIZON, 28.0, 0)
    assert np.isfinite(first).all()
    assert ((first >= 0) & (first <= 1)).all()
    assert 0.35 < first.mean() < 0.65
    other = actual.copy()
    other[-59:] = books[-59:]  # the last ten weeks but one row of them; its place is told by earlier weeks
    second = out_of_sample(X, books, other, origins, HORIZON, 28.0, 0)
    assert second[-60] == first[-60]
    assert not np.array_equal(second[:-60], first[:-60])


def test_without_enough_other_weeks_no_place_is_told():
    X, books, actual, origins = past(6)
    assert np.isnan(out_of_sample(X, books, actual, origins, HORIZON, 28.0, 0)).all()
