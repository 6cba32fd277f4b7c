"""Levels at which draws read distributions: each once for every vehicle, in the order past weeks say."""

from __future__ import annotations

import numpy as np
import pytest

from turo.models.draws import DRAWS, PastPlaces, levels, nested

EACH = (np.arange(DRAWS) + 0.5) / DRAWS


def past(weeks: int, vehicles: int, common: float, days: int = 7) -> PastPlaces:
    """Places of vehicles by week, in two windows alike; `common` of them is the same in a week."""
    generator = np.random.default_rng(1)
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
    """Sixty weeks hold sixty windows of 7 days and not quite five of 90: a sample that shows too little."""
    short, long = (
        levels(past(60, 50, 0.2, days=days), rows=50, seed=3)[:, 1].sum(axis=0) for days in (7, 90)
    )
    # Student's t of 4.67 - 1 degrees of freedom for the end of an 80 % range, times the root of 1 + 1 / 4.67
    expected = 1.56 / 1.28 * np.sqrt(1 + 1 / 4.67)
    assert np.ptp(np.quantile(long, [0.1, 0.9])) / np.ptp(np.quantile(short, [0.1, 0.9])) == pytest.approx(
        expected, rel=0.12
    )


def test_what_is_chance_is_not_widened():
    short, long = (
        levels(past(60, 50, 0.0, days=days), rows=50, seed=3)[:, 1].sum(axis=0) for days in (7, 90)
    )
    assert long.std() == pytest.approx(short.std(), rel=0.25)


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
