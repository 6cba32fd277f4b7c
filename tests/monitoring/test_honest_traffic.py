"""Drift on what the service is really asked: every vehicle of one Monday, over and over."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from drift_seen import drifted
from honest_fleet import prepared, trained

from turo.monitoring.drift_measures import measure
from turo.table.model_columns import arrays, feature_columns

ASKED = 12  # times, every vehicle
WORLDS = [(120, 7), (120, 21)]  # vehicles, seed


@pytest.fixture(scope="module", params=WORLDS, ids=lambda world: f"{world[0]} vehicles, seed {world[1]}")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The prepared rows of a generated fleet of three years."""
    count, seed = request.param
    return prepared(tmp_path_factory.mktemp("fleet"), count, seed)


def traffic(table: pl.DataFrame, asked: date) -> dict[str, np.ndarray]:
    """What the service logs of that Monday."""
    columns = arrays(table.filter(origin_date=asked), tuple(feature_columns(table.columns)))
    return {name: np.tile(values, ASKED) for name, values in columns.items()}


def mondays(table: pl.DataFrame) -> list[date]:
    """The newest one, and one of every season before."""
    found: list[date] = table["origin_date"].unique().sort().to_list()
    return [found[-1], found[-14], found[-27], found[-40]]


def test_the_vehicles_of_one_monday_are_no_drift_in_any_season(table: pl.DataFrame) -> None:
    for asked in mondays(table):
        found = measure(trained(table, asked), traffic(table, asked))
        assert drifted(found) == [], asked


def test_what_tells_the_date_is_shown_without_a_limit(table: pl.DataFrame) -> None:
    (asked, *_) = mondays(table)
    found = {drift.feature: drift for drift in measure(trained(table, asked), traffic(table, asked))}
    for name in ("week_sin", "month_cos", "year_trend", "fleet_util_28", "days_to_holiday"):
        assert found[name].psi is not None and found[name].limit is None, name
    for name in ("otb_days", "base_price_day", "class", "hist_days_28", "lag_1"):
        assert found[name].limit is not None, name


def test_a_shifted_feature_on_the_same_traffic_is_found_and_only_it(table: pl.DataFrame) -> None:
    for asked in mondays(table):
        reference, rows = trained(table, asked), traffic(table, asked)
        assert drifted(measure(reference, rows | {"base_price_day": rows["base_price_day"] * 1.5})) == [
            "base_price_day"
        ]
        replaced = np.where(rows["class"] == "suv", "hovercraft", rows["class"]).astype(object)
        assert drifted(measure(reference, rows | {"class": replaced})) == ["class"]
        cents = {name: rows[name] * 100 for name in ("otb_revenue", "hist_revenue_28")}
        assert drifted(measure(reference, rows | cents)) == sorted(cents, key=list(rows).index)
