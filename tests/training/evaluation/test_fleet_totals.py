"""The range of the fleet's total at each hold-out origin, and whether what came true lay in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from training_table import frame, takehome_frame, write

from turo import settings
from turo.models.draws import MIN_ORIGINS
from turo.models.spread import Spread
from turo.training import training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.fleet_totals import totals
from turo.training.evaluation.scores import measure
from turo.training.recipe import Recipe

PARAMS = {"neighbours": 5, "dimensions": 4}
VEHICLES, HORIZON, FIRST = 30, 28, date(2026, 8, 10)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datas")
    write(folder, frame(vehicles=VEHICLES, weeks=90))
    return training_rows.read(settings.load(data_dir=str(folder)))


@pytest.fixture(scope="module")
def result(data):
    return backtest(data, Recipe.of(data, "knn", PARAMS, seed=1))


def test_the_totals_of_the_holdout_are_those_of_its_rows(data, result):
    assert result.totals["origin_date"].to_list() == result.holdout["origin_date"].unique().sort().to_list()
    by_origin = result.holdout.group_by("origin_date").agg(pl.col("y", "mean").sum()).sort("origin_date")
    np.testing.assert_allclose(result.totals["actual"], by_origin["y"])
    np.testing.assert_allclose(result.totals["mean"], by_origin["mean"], rtol=0.01)  # as draws go
    assert (result.totals["vehicles"] == VEHICLES).all()
    between = pl.col("actual").is_between("q10", "q90")
    figures = measure(data, result, "KNN").figures
    assert figures["fleet_coverage"] == pytest.approx(result.totals.select(between.mean()).item())
    assert figures["fleet_origins"] == 12


def test_an_origin_knows_only_weeks_that_were_over(data, result):
    """Weeks of the hold-out are drawn from as soon as they are over, and never before."""
    folds = data.origins[result.folds["row"].to_numpy()]
    known = len(np.unique(folds))
    assert result.totals["past_weeks"].to_list() == [known] * 4 + [known + week for week in range(1, 9)]
    newest = data.origins.max()
    wild = data.rows.with_columns(
        pl.when(pl.Series(data.origins > newest - np.timedelta64(8 * 7, "D")))
        .then(28.0 - pl.col("y_booked_days"))
        .otherwise(pl.col("y_booked_days"))
        .alias("y_booked_days")
    )
    changed = backtest(replace(data, rows=wild), Recipe.of(data, "knn", PARAMS, seed=1)).totals
    assert changed is not None
    ranges = ["origin_date", "past_weeks", "mean", "q10", "q50", "q90"]
    assert changed[:8].select(ranges).equals(result.totals[:8].select(ranges))
    assert not changed[8:].select(ranges).equals(result.totals[8:].select(ranges))
    assert not changed["actual"].equals(result.totals["actual"])


def made(common: bool, weeks: int = 40) -> pl.DataFrame:
    """Totals of two origins, of vehicles that are at 0 to 28 days alike, after weeks that were good or bad
    for all of them or for each by itself."""
    generator = np.random.default_rng(4)
    shared = np.repeat(generator.random(weeks), VEHICLES)
    places = pl.DataFrame(
        {
            "origin_date": [FIRST - timedelta(weeks=5 + w) for w in range(weeks) for _ in range(VEHICLES)],
            "place": shared if common else generator.random(weeks * VEHICLES),
        }
    )
    origins = np.repeat(np.array([FIRST, FIRST + timedelta(weeks=1)], dtype="datetime64[D]"), VEHICLES)
    steps = np.arange(HORIZON + 1.0)
    values = np.broadcast_to(steps, (len(origins), len(steps)))
    below = np.broadcast_to((steps + 1) / len(steps), values.shape)
    y = np.where(origins == origins[0], 14.0, 28.0)
    return totals(origins, y, Spread(values, below), places, HORIZON)


def test_what_weeks_have_in_common_widens_the_range_of_the_total():
    alone, together = (made(common)["q90"][0] - made(common)["q10"][0] for common in (False, True))
    # Uniform on 0..28: sd of one 8.37; 2.56 sd of the sum hold 80 %. Alike, the range is 30 times one's.
    assert alone == pytest.approx(2.56 * 8.37 * np.sqrt(VEHICLES), rel=0.15)
    assert together > 0.7 * 0.8 * 28 * VEHICLES


def test_a_total_is_inside_its_range_or_not():
    assert made(common=True)["inside"].to_list() == [True, False]


def test_with_few_past_weeks_vehicles_are_independent_as_in_a_forecast():
    few = made(common=True, weeks=MIN_ORIGINS - 1)
    assert few["past_weeks"].to_list() == [MIN_ORIGINS - 1] * 2
    assert few["q90"][0] - few["q10"][0] == pytest.approx(2.56 * 8.37 * np.sqrt(VEHICLES), rel=0.15)


def test_without_dates_there_is_no_origin_to_add_up(tmp_path):
    write(tmp_path, takehome_frame(), profile="turo_takehome")
    takehome = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(takehome, Recipe.of(takehome, "knn", PARAMS, seed=1))
    assert result.totals is None
    assert "fleet_coverage" not in measure(takehome, result, "KNN").figures
