"""Histograms for drift, and importance."""

from __future__ import annotations

import numpy as np
import polars as pl
from tiny_forecaster import tiny_columns, tiny_forecaster, tiny_target

from turo.models.encoding import Field
from turo.training.evaluation.importance import permutation_importance
from turo.training.reports.reference_histograms import histograms, reference_rows, weeks_of


def histogram(values):
    """Of one number, without dates."""
    return histograms((Field("x", "number"),), {"x": values}, np.zeros(len(values)))["numbers"]["x"]


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
    assert found["categories"]["class"] == {"counts": {"car": 1, "suv": 2}, "missing": 1, "single": []}
    assert found["rows"] == 4


def weekly(weeks, values, vehicles=30):
    """Reference of `x`, the same number of vehicles every week; `values` gives their values of a week."""
    days = pl.date_range(pl.date(2024, 1, 1), interval="1w", end=pl.date(2027, 12, 27), eager=True)[:weeks]
    rows = pl.DataFrame({"origin_date": np.repeat(days.to_numpy(), vehicles)})
    x = np.concatenate([values(week) for week in range(weeks)])
    fields = (Field("x", "number"),)
    return histograms(fields, {"x": x}, np.zeros(len(x)), weeks_of(rows, 28))


def test_only_the_last_year_of_origins_is_counted():
    found = weekly(120, lambda week: np.full(30, float(week)))
    assert found["rows"] == 52 * 30
    assert found["numbers"]["x"]["edges"][0] >= 120 - 52


def test_single_weeks_are_held_against_the_year_before_them():
    noise = np.random.default_rng(1).normal(size=(120, 30))
    season = 2 * np.sin(2 * np.pi * np.arange(120) / 52)
    calm, seasonal, growing = (
        weekly(120, lambda week, level=level: noise[week] + level[week])["numbers"]["x"]["single"]
        for level in (np.zeros(120), season, np.arange(120) / 10)
    )
    assert len(calm) == len(seasonal) == len(growing) == 52
    assert max(calm) < 1 < min(max(seasonal), max(growing))


def test_without_a_history_that_tells_there_is_nothing_to_hold_against():
    assert weekly(26 + 8 + 12, lambda week: np.arange(30.0))["numbers"]["x"]["single"] is None
    assert len(weekly(26 + 8 + 13, lambda week: np.arange(30.0))["numbers"]["x"]["single"]) == 13


def test_two_years_of_some_vehicles_are_enough_of_a_very_large_table(monkeypatch):
    monkeypatch.setattr("turo.training.reports.reference_histograms.MOST_ROWS", 5600)
    days = pl.date_range(pl.date(2023, 1, 2), pl.date(2025, 12, 29), "1w", eager=True)
    rows = pl.DataFrame({"origin_date": days}).join(
        pl.DataFrame({"vehicle_id": [f"v{i}" for i in range(200)]}), how="cross"
    )
    chosen = rows[reference_rows(rows, 28)]
    weeks, kept = chosen["origin_date"].n_unique(), chosen["vehicle_id"].n_unique()
    assert weeks == 2 * 52 + 4 + 4
    assert len(chosen) == weeks * kept
    assert 30 <= kept <= 70
    assert len(reference_rows(pl.DataFrame({"vehicle_id": ["a", "b"]}), 28)) == 2


def test_what_is_on_the_books_matters_most_and_noise_does_not():
    columns = tiny_columns(600, seed=30)
    found = permutation_importance(tiny_forecaster("xgboost"), columns, tiny_target(columns), "mae", seed=1)
    assert found["feature"][0] == "otb_days"
    assert found["importance"].is_sorted(descending=True)
    assert abs(found.filter(pl.col("feature") == "pickup_7")["importance"][0]) < 0.5
