"""Metrics and baselines against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scoringrules

from turo.training.evaluation.baselines import table_baselines, time_baselines
from turo.training.evaluation.metrics import interval_score, pinball, row_loss, score, seasonal_scale

NAN = float("nan")


def test_metrics_by_hand():
    found = score(np.array([0.0, 4.0, 8.0]), np.array([1.0, 4.0, 4.0]), scale=2.0)
    assert found == pytest.approx(
        {"mae": 5 / 3, "rmse": (17 / 3) ** 0.5, "wape": 5 / 12, "mase": 5 / 6, "bias": -1.0}
    )


def test_rows_a_baseline_cannot_forecast_are_left_out_and_nothing_known_is_nan():
    assert score(np.array([1.0, 9.0]), np.array([2.0, NAN]), 1.0)["mae"] == 1.0
    assert np.isnan(score(np.array([1.0]), np.array([NAN]), 1.0)["mae"])
    assert np.isnan(score(np.zeros(2), np.ones(2), 1.0)["wape"])


def test_row_losses_add_up_to_the_metric():
    y, predicted = np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 1.0])
    assert row_loss(y, predicted, "mae").mean() == score(y, predicted, 1.0)["mae"]
    assert row_loss(y, predicted, "rmse").mean() ** 0.5 == score(y, predicted, 1.0)["rmse"]


def test_mase_is_measured_in_last_years_error_with_the_window_before_as_fallback():
    y = np.array([10.0, 10.0, 10.0])
    scale = seasonal_scale(y, np.array([8.0, NAN, NAN]), np.array([0.0, 6.0, NAN]))
    assert scale == (2.0 + 4.0) / 2


def test_the_simple_baselines_by_hand():
    train = {
        "otb_days": np.array([2.0, 4.0, 6.0]),
        "class": np.array(["suv", "suv", None], dtype=object),
    }
    y = np.array([5.0, 7.0, 12.0])  # mean pickup (3 + 3 + 6) / 3 = 4
    test = {
        "otb_days": np.array([10.0, 6.5]),
        "hist_days_28": np.array([14.0, 3.0]),
        "lag_52w": np.array([9.0, NAN]),
        "class": np.array(["suv", "van"], dtype=object),
    }
    found = time_baselines("y_booked_days", 14, train, y, test)
    simple = {name: values for name, values in found.items() if not name.startswith("curve_")}
    expected = {
        "last_28_days": [7.0, 1.5],
        "last_year": [9.0, 1.5],
        "on_the_books": [10.0, 6.5],
        "books_and_pickup": [14.0, 10.5],
        "class_mean": [6.0, 8.0],
    }
    assert {name: values.tolist() for name, values in simple.items()} == expected


def test_the_books_are_what_can_be_expected_to_be_still_booked_where_the_table_tells():
    train = {"otb_days": np.array([5.0, 9.0]), "otb_days_alive": np.array([4.0, 6.0])}
    test = {"otb_days": np.array([8.0]), "otb_days_alive": np.array([6.5])}
    found = time_baselines("y_booked_days", 28, train, np.array([6.0, 10.0]), test)
    assert found["on_the_books"].tolist() == [6.5]
    assert found["books_and_pickup"].tolist() == [9.5]  # mean pickup (2 + 4) / 2


def test_bookings_are_capped_at_the_window_but_revenue_is_not():
    train = {"otb_days": np.array([0.0]), "otb_revenue": np.array([0.0])}
    test = {"otb_days": np.array([20.0]), "otb_revenue": np.array([2000.0])}
    days = time_baselines("y_booked_days", 28, train, np.array([15.0]), test)
    money = time_baselines("y_revenue", 28, train, np.array([500.0]), test)
    assert days["books_and_pickup"].tolist() == [28.0]
    assert money["books_and_pickup"].tolist() == [2500.0]


def test_without_revenue_on_the_books_the_baselines_on_them_are_silent():
    columns = {"hist_revenue_28": np.array([100.0])}
    found = time_baselines("y_revenue", 28, columns, np.array([90.0]), columns)
    assert np.isnan(found["on_the_books"]).all()
    assert np.isnan(found["books_and_pickup"]).all()
    assert all(np.isnan(found[f"curve_{kind}"]).all() for kind in ("additive", "multiplicative", "survival"))
    assert found["last_28_days"].tolist() == [100.0]


def test_mean_and_linear_baselines():
    X = np.array([[1.0], [2.0], [np.nan]])
    found = table_baselines(X, np.array([3.0, 5.0, 4.0]), np.array([[4.0], [np.nan]]))
    assert found["mean"].tolist() == [4.0, 4.0]
    assert found["linear"] == pytest.approx([9.0, 4.0])


def test_proper_scores_are_those_of_scoringrules():
    generator = np.random.default_rng(9)
    y, low = generator.uniform(0, 28, 500), generator.uniform(0, 20, 500)
    high = low + generator.uniform(0, 8, 500)
    np.testing.assert_allclose(
        interval_score(y, low, high, 0.8), scoringrules.interval_score(y, low, high, 0.2)
    )
    for level in (0.05, 0.5, 0.9):
        np.testing.assert_allclose(pinball(y, low, level), scoringrules.quantile_score(y, low, level))
