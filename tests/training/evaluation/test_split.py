"""Folds and hold-out: disjoint, in order, and a whole horizon apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.errors import TrainingError
from turo.training.evaluation.split import HOLDOUT_WEEKS, Plan, Split, by_origin, by_vehicle

START = np.datetime64("2024-01-01")


def panel(weeks: int, vehicles: int = 3) -> np.ndarray:
    return np.repeat(START + 7 * np.arange(weeks), vehicles)


def everything(plan: Plan) -> list[Split]:
    return [*plan.folds, *([plan.holdout] if plan.holdout else [])]


@settings(deadline=None)
@given(weeks=st.integers(45, 200), horizon=st.sampled_from([7, 28, 90]))
def test_no_training_window_reaches_into_a_test_window(weeks, horizon):
    origins = panel(weeks)
    plan = by_origin(origins, horizon)
    assert 4 <= len(plan.folds) <= 6
    for split in everything(plan):
        assert split.train.size
        assert split.test.size
        windows_end = origins[split.train].max() + np.timedelta64(horizon, "D")
        assert windows_end <= origins[split.test].min()


@settings(deadline=None)
@given(weeks=st.integers(45, 200), horizon=st.sampled_from([7, 28, 90]))
def test_tests_are_disjoint_and_roll_forward_up_to_the_last_twelve_weeks(weeks, horizon):
    origins = panel(weeks)
    plan = by_origin(origins, horizon)
    assert plan.holdout is not None
    assert len(np.unique(origins[plan.holdout.test])) == HOLDOUT_WEEKS
    assert origins[plan.holdout.test].max() == origins.max()
    blocks = [split.test for split in everything(plan)]
    for earlier, later in itertools.pairwise(blocks):
        assert origins[earlier].max() < origins[later].min()
        assert len(np.intersect1d(earlier, later)) == 0
    # The newest fold's windows are over before the hold-out starts: it calibrates, and must not peek.
    assert (
        origins[plan.folds[-1].test].max() + np.timedelta64(horizon, "D") <= origins[plan.holdout.test].min()
    )


def test_the_shortest_history_allowed_still_has_four_folds():
    plan = by_origin(panel(26), 28)
    assert len(plan.folds) == 4


def test_a_shorter_history_or_too_long_a_horizon_is_refused_with_the_reason():
    with pytest.raises(TrainingError, match="Only 25 weeks whose outcome is known; 26 are needed"):
        by_origin(panel(25), 28)
    with pytest.raises(
        TrainingError, match="30 weeks whose outcome is known do not leave 4 weeks to learn from"
    ):
        by_origin(panel(30), 90)


@settings(deadline=None)
@given(rows=st.integers(10, 300))
def test_vehicle_folds_test_every_row_once_and_never_train_on_it(rows):
    plan = by_vehicle(rows)
    assert plan.holdout is None
    np.testing.assert_array_equal(np.sort(np.concatenate([s.test for s in plan.folds])), np.arange(rows))
    for split in plan.folds:
        assert len(np.intersect1d(split.train, split.test)) == 0
        assert len(split.train) + len(split.test) == rows
