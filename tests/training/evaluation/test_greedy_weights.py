"""Greedy selection with replacement: weights of a mean that errs least."""

from __future__ import annotations

import numpy as np
import pytest

from turo.training.evaluation.greedy_weights import choose


def weights(forecasts: np.ndarray, y: np.ndarray, rounds: int = 20) -> np.ndarray:
    return choose(forecasts, lambda forecast: float(np.abs(forecast - y).mean()), rounds)


def test_errors_that_cancel_share_the_weight_and_a_bad_member_has_none() -> None:
    y = np.arange(30.0)
    found = weights(np.stack([y + 1, y - 1, np.zeros(30)], axis=1), y)
    np.testing.assert_array_equal(found, [0.5, 0.5, 0.0])


def test_a_member_may_be_chosen_more_than_once() -> None:
    y = np.zeros(10)
    np.testing.assert_allclose(weights(np.stack([y + 1, y - 3], axis=1), y), [0.75, 0.25])


def test_an_exact_member_and_the_first_of_equals_stand_alone() -> None:
    y = np.arange(10.0)
    np.testing.assert_array_equal(weights(np.stack([y + 2, y, y], axis=1), y), [0.0, 1.0, 0.0])


@pytest.mark.parametrize("rounds", [1, 2, 20])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_never_worse_than_the_best_member_and_adds_up_to_one(seed: int, rounds: int) -> None:
    generator = np.random.default_rng(seed)
    y = generator.normal(size=200)
    forecasts = y[:, None] + generator.normal(size=(200, 4)) * [0.5, 0.6, 1.0, 3.0]
    found = weights(forecasts, y, rounds)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0).all()
    assert np.count_nonzero(found) <= rounds
    alone = np.abs(forecasts - y[:, None]).mean(axis=0).min()
    assert np.abs(forecasts @ found - y).mean() <= alone + 1e-12
