"""Is the forecast worse than the baseline, or was one of several baselines lucky?"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from turo.forecast.live.baselines_then import behind, best

MONDAYS = 4
ALERT_RATIO, ALERT_ERRORS = 1.02, 3.0  # as in prometheus/rules/forecast.yml: ForecastWorseThanBaseline


def judged(chance: np.random.Generator, vehicles: int, worse: float) -> pl.DataFrame:
    """Windows that overlap: what befell a vehicle is in all its rows. `worse` times the forecast's errors."""
    rows = vehicles * MONDAYS
    each = [f"v{number}" for number in range(vehicles) for _ in range(MONDAYS)]

    def said(times: float) -> NDArray[np.float64]:
        of_vehicle = np.repeat(chance.normal(0, 3, vehicles), MONDAYS)
        return 14 + times * (of_vehicle + chance.normal(0, 1, rows))

    baselines = {f"baseline_{number}": said(1.0) for number in range(4)}
    forecasts = {"median": said(worse), "on_books": said(1.0)}
    return pl.DataFrame({"vehicle_id": each, "actual": [14.0] * rows, **forecasts, **baselines})


def looks_worse(rows: pl.DataFrame) -> bool:
    """By the ratio alone."""
    mae: Any = rows.select((pl.col("median") - pl.col("actual")).abs().mean()).item()
    _, least = best(rows)
    assert least is not None
    return bool(mae / least > ALERT_RATIO)


def fires(rows: pl.DataFrame) -> bool:
    key, _ = best(rows)
    far = behind(rows, key)
    return looks_worse(rows) and far is not None and far > ALERT_ERRORS


@pytest.mark.parametrize("vehicles", [5, 10, 40, 120])
def test_a_forecast_as_good_as_each_of_five_baselines_is_not_called_worse(vehicles: int) -> None:
    chance = np.random.default_rng(14)
    honest = [judged(chance, vehicles, 1.0) for _ in range(200)]
    assert sum(map(looks_worse, honest)) > 150
    assert sum(map(fires, honest)) <= 8


def test_one_that_errs_twice_as_much_is() -> None:
    chance = np.random.default_rng(14)
    assert sum(fires(judged(chance, 40, 2.0)) for _ in range(50)) >= 48


def test_it_is_counted_in_standard_errors_of_vehicles() -> None:
    """Gaps of 1 and 3 days: a mean of two standard errors. One more row of a vehicle adds none."""
    rows = pl.DataFrame(
        {
            "vehicle_id": ["a", "b", "b"],
            "actual": [10.0, 10.0, 10.0],
            "median": [12.0, 15.0, 15.0],
            "on_books": [11.0, 12.0, 12.0],
        }
    )
    assert behind(rows, "on_the_books") == pytest.approx(2.0)
    assert behind(rows.with_columns(median="on_books", on_books="median"), "on_the_books") == pytest.approx(
        -2.0
    )


@pytest.mark.parametrize("rows", [1, 2])
def test_without_a_spread_of_vehicles_nothing_is_said(rows: int) -> None:
    same = pl.DataFrame(
        {"vehicle_id": ["a", "b"], "actual": [1.0] * 2, "median": [2.0] * 2, "on_books": [1.0] * 2}
    )
    assert behind(same.head(rows), "on_the_books") is None
    assert behind(same, None) is None
