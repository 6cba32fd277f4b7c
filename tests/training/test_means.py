"""Sums over the hold-out: the fleet's total, and reservations and revenue that are derived from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from tiny_forecaster import equal_shares
from training_table import frame, takehome_frame, write

from turo import settings
from turo.models.kinds import REGRESSORS
from turo.training import training_rows
from turo.training.artifacts import final_model
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.scores import measure
from turo.training.recipe import Recipe

SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"rounds": 25, "max_depth": 3, "learning_rate": 0.4},
    "catboost": {"iterations": 60, "depth": 3, "learning_rate": 0.2},
    "svr": {"components": 60},
    "knn": {"neighbours": 25, "dimensions": 4},
}
SMALL["ensemble"] = equal_shares(SMALL)
FULL, EXPECTED_NEW = 18, 0.7 * 0 + 0.2 * 2 + 0.1 * 4  # from so many days on no new trips; else on average
NEW_TRIP, PRICE, LENGTH = 2.0, 50.0, 4.0  # a new booking puts half of its length into the window


def skewed(vehicles: int = 40) -> pl.DataFrame:
    """Most windows end as the books stand; a third gains new trips that run on beyond the window."""
    rows = frame(vehicles=vehicles)
    generator = np.random.default_rng(8)
    new = generator.choice([0, 2, 4], len(rows), p=[0.7, 0.2, 0.1]) * (rows["otb_days"].to_numpy() < FULL)
    days, labelled = rows["otb_days"] + NEW_TRIP * new, pl.col("y_booked_days").is_not_null()
    return rows.with_columns(
        mean_trip_days=pl.lit(LENGTH),
        base_price_day=pl.lit(PRICE),
        otb_revenue=pl.col("otb_days") * PRICE,
        y_booked_days=pl.when(labelled).then(days),
        y_reservations=pl.when(labelled).then(pl.col("otb_trips") + pl.Series(new)),
        y_revenue=pl.when(pl.col("y_revenue").is_not_null()).then(days * PRICE),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datas")
    write(folder, skewed())
    return training_rows.read(settings.load(data_dir=str(folder)))


@pytest.mark.parametrize("kind", REGRESSORS)
def test_the_fleets_total_is_right_where_medians_are_too_low(data, kind):
    result = backtest(data, Recipe.of(data, kind, SMALL[kind], seed=1))
    figures = measure(data, result, kind).figures
    assert figures["fleet_bias_median"] < -0.04
    assert abs(figures["fleet_bias"]) < 0.03
    totals = result.holdout.select(pl.col("mean", "prediction", "y").sum()).row(0)
    assert figures["fleet_bias"] == pytest.approx(totals[0] / totals[2] - 1)
    assert figures["fleet_bias_median"] == pytest.approx(totals[1] / totals[2] - 1)


def test_derived_totals_are_right_where_mean_trip_length_counts_too_few(data):
    result = backtest(data, Recipe.of(data, "knn", SMALL["knn"], seed=1))
    figures = measure(data, result, "KNN").figures
    assert abs(figures["derived_reservations_bias"]) < 0.05
    assert abs(figures["derived_revenue_bias"]) < 0.05
    rows = result.holdout
    by_length = (rows["otb_trips"] + (rows["mean"] - rows["otb_days"]).clip(0) / LENGTH).to_numpy()
    assert by_length.sum() / rows["y_reservations"].cast(pl.Float64).to_numpy().sum() - 1 < -0.1
    assert result.model is not None
    assert result.model.derivation is not None


def test_what_is_learnt_for_the_evaluated_model_does_not_know_the_holdout(data):
    recipe = Recipe.of(data, "knn", SMALL["knn"], seed=1)
    first = backtest(data, recipe)
    held_out = data.origins >= first.holdout["origin_date"].min()
    wild = data.rows.with_columns(
        pl.when(pl.Series(held_out)).then(pl.lit(28.0)).otherwise(pl.col(name)).alias(name)
        for name in ("y_booked_days", "y_reservations", "y_revenue")
    )
    known = replace(data, rows=wild)
    second = backtest(known, recipe)
    assert first.model is not None
    assert second.model is not None
    columns = data.columns()
    np.testing.assert_array_equal(first.model.mean(columns), second.model.mean(columns))
    assert first.model.derivation == second.model.derivation
    # The served model has learnt from it.
    fitted = recipe.fit(columns, data.y)
    served = [
        final_model(fitted, table, recipe, result, {}).mean(columns).mean()
        for table, result in ((data, first), (known, second))
    ]
    assert served[1] > served[0] + 0.5


def test_a_fleet_too_small_to_be_halved_learns_from_its_folds(tmp_path):
    write(tmp_path, skewed(vehicles=3))
    small = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(small, Recipe.of(small, "knn", SMALL["knn"], seed=1))
    figures = measure(small, result, "KNN").figures
    assert abs(figures["fleet_bias"]) < abs(figures["fleet_bias_median"])


def test_other_targets_have_a_mean_and_nothing_derived(data):
    trips = replace(data, target="y_reservations")
    result = backtest(trips, Recipe.of(trips, "knn", SMALL["knn"], seed=1))
    figures = measure(trips, result, "KNN").figures
    assert abs(figures["fleet_bias"]) < 0.05
    assert figures["fleet_bias_median"] < -0.05
    assert result.model is not None
    assert result.model.derivation is None
    assert "derived_revenue_bias" not in figures


def test_trips_and_revenue_count_as_far_as_they_are_still_booked_like_days(tmp_path):
    """Where cancellations have no date: days that were cancelled would else come with trips that were not."""
    gone = pl.Series(np.random.default_rng(3).random(len(skewed())) < 0.3)
    names = ("otb_days", "otb_trips", "otb_revenue")
    rows = skewed().with_columns(pl.col(name).alias(f"{name}_alive") for name in names)
    rows = rows.with_columns(
        otb_days=pl.col("otb_days") + pl.when(gone).then(LENGTH).otherwise(0.0),
        otb_trips=pl.col("otb_trips") + pl.when(gone).then(1.0).otherwise(0.0),
        otb_revenue=pl.col("otb_revenue") + pl.when(gone).then(LENGTH * PRICE).otherwise(0.0),
    )
    write(tmp_path, rows)
    export = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(export, Recipe.of(export, "knn", SMALL["knn"], seed=1))
    assert result.model is not None
    derivation = result.model.derivation
    assert derivation is not None
    assert (derivation.days, derivation.trips, derivation.revenue_books) == (
        "otb_days_alive", "otb_trips_alive", "otb_revenue_alive",
    )  # fmt: skip
    cancelled = pl.col("otb_trips") > pl.col("otb_trips_alive")
    # Against what was to be expected: what came true is that and chance, which here is larger than the limit.
    coming = pl.when(pl.col("otb_days_alive") < FULL).then(EXPECTED_NEW).otherwise(0.0)
    off = pl.col("derived_reservations") - pl.col("otb_trips_alive") - coming
    with_them, without = (off.filter(rows).mean() for rows in (cancelled, ~cancelled))
    assert abs(result.holdout.select(with_them - without).item()) < 0.1


def test_unknown_prices_leave_out_revenue_alone(tmp_path):
    write(tmp_path, skewed().drop("base_price_day", "otb_revenue", "y_revenue"))
    unpriced = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(unpriced, Recipe.of(unpriced, "knn", SMALL["knn"], seed=1))
    figures = measure(unpriced, result, "KNN").figures
    assert abs(figures["derived_reservations_bias"]) < 0.05
    assert "derived_revenue_bias" not in figures


def test_without_dates_the_forecast_is_a_mean_already(tmp_path):
    write(tmp_path, takehome_frame(), profile="turo_takehome")
    takehome = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(takehome, Recipe.of(takehome, "knn", SMALL["knn"], seed=1))
    assert result.holdout["mean"].to_list() == result.holdout["prediction"].to_list()
    figures = measure(takehome, result, "KNN").figures
    median = result.holdout["q50"].sum() / takehome.y.sum() - 1
    assert figures["fleet_bias_median"] == pytest.approx(median)
    assert figures["fleet_bias"] == pytest.approx(result.holdout["prediction"].sum() / takehome.y.sum() - 1)
