"""Levels at which draws read distributions: each once for every vehicle, in the order past weeks say."""

from __future__ import annotations

import numpy as np
import pytest

from turo.models.draws import DRAWS, PastPlaces, levels, nested

EACH = (np.arange(DRAWS) + 0.5) / DRAWS


def past(weeks: int, vehicles: int, common: float, days: int = 7, seed: int = 1) -> PastPlaces:
    """Places of vehicles by week, in two windows alike; `common` of them is the same in a week."""
    generator = np.random.default_rng(seed)
    shared = np.repeat(generator.random(weeks), vehicles)
    own = generator.random(weeks * vehicles)
    places = np.where(generator.random(weeks * vehicles) < common, shared, own)
    return PastPlaces(np.repeat(np.arange(weeks), vehicles), np.stack([places, places], axis=1), (7, days))


@pytest.mark.parametrize("common", [0.0, 0.9])
def test_every_vehicle_gets_every_level_once(common):
    found = levels(past(40, 20, common), rows=6, seed=2)
    assert found.shape == (6, 2, DRAWS)
    np.testing.assert_allclose(np.sort(found, axis=2), np.broadcast_to(EACH, found.shape))


def test_what_weeks_have_in_common_stays_in_sums():
    together = levels(past(60, 50, 0.9), rows=50, seed=3)[:, 0].sum(axis=0)
    alone = levels(past(60, 50, 0.0), rows=50, seed=3)[:, 0].sum(axis=0)
    # Independent uniform numbers: the root of 50 / 12. All alike: 50 times the root of 1 / 12.
    assert alone.std() == pytest.approx(np.sqrt(50 / 12), rel=0.15)
    assert together.std() > 0.7 * 50 / np.sqrt(12)


@pytest.mark.parametrize("vehicles", [1, 2, 5, 50])
def test_few_vehicles_of_past_weeks_have_nothing_in_common_by_chance(vehicles):
    found = levels(past(60, vehicles, 0.0), rows=100, seed=3)[:, 0].sum(axis=0)
    assert found.std() == pytest.approx(np.sqrt(100 / 12), rel=0.3)


def test_what_few_vehicles_have_in_common_is_known_of_others_too():
    found = levels(past(60, 5, 0.9), rows=100, seed=3)[:, 0].sum(axis=0)
    assert found.std() > 0.6 * 100 / np.sqrt(12)


def test_what_few_windows_have_in_common_is_widened():
    """Twenty weeks hold twenty windows of 7 days and hardly two of 90: a sample that tells little."""
    short, long = (levels(past(20, 500, 0.2, days), rows=100, seed=3)[:, 1].sum(axis=0) for days in (7, 90))
    # Upper ends of an 80 % range by Student's t: 1.886 of two degrees of freedom, 1.325 of twenty.
    assert long.std() / short.std() == pytest.approx(1.886 / 1.325, rel=0.1)


@pytest.mark.parametrize("days", [1, 7, 28, 90])
@pytest.mark.parametrize(
    ("weeks", "vehicles", "rows"), [(10, 50, 50), (20, 50, 50), (40, 50, 50), (20, 5, 20), (20, 2, 10)]
)
def test_what_is_chance_is_not_widened(weeks, vehicles, rows, days):
    found = [
        levels(past(weeks, vehicles, 0.0, days, seed), rows=rows, seed=3, draws=301)[:, 1].sum(axis=0).std()
        for seed in range(10)
    ]
    assert np.mean(found) == pytest.approx(np.sqrt(rows / 12), rel=0.25)


def test_weeks_that_were_all_off_the_same_way_tell_of_what_may_come():
    """Nine tenths of every past week lay low: the forecast was too high for all, and may be again."""
    generator = np.random.default_rng(4)
    places = np.where(
        generator.random(40 * 50) < 0.9, generator.random(40 * 50) / 2, generator.random(40 * 50)
    )
    alike = PastPlaces(np.repeat(np.arange(40), 50), places[:, None], (28,))
    found = levels(alike, rows=50, seed=3)[:, 0].sum(axis=0)
    assert found.std() > 3 * np.sqrt(50 / 12)


def test_windows_of_one_vehicle_stay_together():
    found = levels(past(60, 20, 0.0), rows=5, seed=4)
    for row in found:
        assert np.corrcoef(row)[0, 1] > 0.99  # both windows had the same place in every past week


def test_without_a_past_vehicles_are_independent():
    found = levels(PastPlaces(np.empty(0), np.empty((0, 2)), (7, 28)), rows=50, seed=5)
    assert found[:, 0].sum(axis=0).std() == pytest.approx(np.sqrt(50 / 12), rel=0.15)


def test_the_same_seed_draws_the_same():
    first, second, other = (levels(past(20, 9, 0.5), rows=4, seed=seed) for seed in (6, 6, 7))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_longer_windows_hold_shorter_ones():
    values = np.array([[[5.0, 2.0], [4.0, 29.0], [95.0, 20.0]]])
    np.testing.assert_array_equal(nested(values, [7, 28, 90], bounded=True), [[[5, 2], [5, 23], [67, 23]]])
    np.testing.assert_array_equal(nested(values, [7, 28, 90], bounded=False), [[[5, 2], [5, 29], [95, 29]]])
