"""Histograms for drift, and importance."""

from __future__ import annotations

import numpy as np
import polars as pl
from tiny_forecaster import tiny_columns, tiny_forecaster, tiny_target

from turo.models.encoding import Field
from turo.training.importance import permutation_importance
from turo.training.reference import histogram, histograms, recent_rows


def test_bins_hold_equal_shares_and_count_what_is_missing():
    found = histogram(np.append(np.arange(100.0), [np.nan] * 7))
    assert found["counts"] == [10] * 10
    assert len(found["edges"]) == 9
    assert found["missing"] == 7


def test_many_equal_values_share_a_bin_and_nothing_gets_lost():
    found = histogram(np.array([0.0] * 80 + list(range(1, 21))))
    assert sum(found["counts"]) == 100
    assert len(found["counts"]) == len(found["edges"]) + 1
    places = np.searchsorted(found["edges"], [0.0, 20.0], side="right")
    assert found["counts"][places[0]] >= 80


def test_categories_are_counted():
    fields = (Field("class", "category", True, ("car", "suv")),)
    columns = {"class": np.array(["suv", None, "suv", "car"], dtype=object)}
    found = histograms(fields, columns, np.zeros(4))
    assert found["categories"]["class"] == {"counts": {"car": 1, "suv": 2}, "missing": 1}
    assert found["rows"] == 4


def test_only_the_last_year_of_origins_is_the_reference():
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2025, 12, 29), "1w", eager=True)
    rows = pl.DataFrame({"origin_date": days})
    assert len(recent_rows(rows)) == 52
    assert len(recent_rows(pl.DataFrame({"vehicle_id": ["a", "b"]}))) == 2


def test_what_is_on_the_books_matters_most_and_noise_does_not():
    columns = tiny_columns(600, seed=30)
    found = permutation_importance(tiny_forecaster("xgboost"), columns, tiny_target(columns), "mae", seed=1)
    assert found["feature"][0] == "otb_days"
    assert found["importance"].is_sorted(descending=True)
    assert abs(found.filter(pl.col("feature") == "pickup_7")["importance"][0]) < 0.5
