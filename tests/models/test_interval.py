"""Conformal intervals: coverage, width that follows the forecast, few rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tiny_forecaster import as_saved_earlier, tiny_columns, tiny_forecaster

from turo.models.interval import Interval


def test_coverage_on_new_rows_is_as_promised_and_width_follows_the_noise():
    generator = np.random.default_rng(4)
    predicted = generator.uniform(0, 28, 8000)
    y = predicted + generator.normal(0, 0.2 + predicted / 10)
    interval = Interval.fit(y[:4000], predicted[:4000])
    low, high = interval.around(predicted[4000:])
    covered = (low <= y[4000:]) & (y[4000:] <= high)
    assert abs(covered.mean() - 0.8) < 0.03
    for narrow, wide in ((0, 7), (21, 28)):
        part = (predicted[4000:] >= narrow) & (predicted[4000:] < wide)
        assert abs(covered[part].mean() - 0.8) < 0.06
    width = high - low
    assert width[predicted[4000:] > 24].mean() > 3 * width[predicted[4000:] < 4].mean()


def test_few_rows_give_one_bin_and_the_extremes():
    interval = Interval.fit(np.array([0.0, 1.0, 5.0]), np.array([1.0, 1.0, 1.0]))
    assert interval.edges.size == 0
    assert interval.around(np.array([10.0])) == (np.array([9.0]), np.array([14.0]))


def test_equal_predictions_need_no_borders():
    interval = Interval.fit(np.arange(600.0), np.zeros(600))
    assert interval.low.size == interval.edges.size + 1
    assert np.isfinite(interval.around(np.array([-1.0, 0.0, 1.0]))).all()


def test_json_keeps_every_bit():
    generator = np.random.default_rng(5)
    interval = Interval.fit(generator.normal(size=999), generator.normal(size=999))
    again = Interval.from_json(interval.to_json())
    values = generator.normal(size=100)
    np.testing.assert_array_equal(again.around(values), interval.around(values))


def test_a_forecast_lies_within_its_own_interval():
    """Where a model was off in one direction, both offsets have the same sign."""
    beside = Interval(np.empty(0), np.array([1.0]), np.array([4.0]))
    columns = tiny_columns(200, seed=5) | {"otb_days": np.linspace(-5, 60, 200)}
    for offsets in (beside, replace(beside, low=-beside.high, high=-beside.low)):
        model = replace(as_saved_earlier(tiny_forecaster()), interval_offsets=offsets)
        predicted = model.predict(columns)
        low, high = model.interval(columns)
        assert (low <= predicted).all()
        assert (predicted <= high).all()
