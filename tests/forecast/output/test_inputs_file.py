"""What the models were asked for a forecast, kept beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
from hand_fleet import make_champion

from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.forecast_columns import BASELINE
from turo.forecast.output.inputs_file import FILE
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


def test_the_features_of_every_vehicle_that_was_forecast_and_whose_they_are(settings: Settings) -> None:
    champion = make_champion(28)
    made = forecast_fleet(settings, [champion], NOW).forecasts
    kept = pl.read_parquet(Path(settings.data_dir) / FILE)
    assert len(kept) == len(made) == 3
    assert set(kept.columns) >= {field.name for field in champion.forecaster.fields}
    assert not {"vehicle_id", "origin_date", "y_booked_days"} & set(kept.columns)
    owner = kept.select(pl.col("^forecast_.*$")).unique().row(0, named=True)
    assert owner == {
        "forecast_model": champion.name,
        "forecast_version": champion.version,
        "forecast_run_id": champion.run_id,
        "forecast_horizon_days": 28,
    }


def test_a_forecast_by_baselines_leaves_none_not_even_that_of_the_one_before(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    forecast_fleet(settings, [replace(make_champion(28), method=BASELINE)], NOW)
    assert not (Path(settings.data_dir) / FILE).exists()
