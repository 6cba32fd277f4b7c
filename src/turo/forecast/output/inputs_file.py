"""What the models were asked for a forecast, as a file: drift is measured by it later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from turo.files import atomic_path
from turo.forecast.draws.window import Window
from turo.forecast.forecast_columns import MODEL
from turo.table.model_columns import feature_columns

FILE = "forecast-inputs.parquet"
# Whose inputs a row is; a column of vehicles.csv may well be called `model`.
NAME, VERSION, RUN, HORIZON = "forecast_model", "forecast_version", "forecast_run_id", "forecast_horizon_days"
OWNER = (NAME, VERSION, RUN, HORIZON)


def write(windows: Sequence[Window], path: Path) -> None:
    """Write OWNER and the features, a row a vehicle and horizon, whole or leave the old file as it is.

    Baselines were trained on no rows and are left out; without a model there is no file.
    """
    parts = [_rows(window) for window in windows if window.champion.method == MODEL]
    if not parts:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary:
        pl.concat(parts, how="diagonal_relaxed").write_parquet(temporary, compression="zstd")


def _rows(window: Window) -> pl.DataFrame:
    champion = window.champion
    return window.rows.select(feature_columns(window.rows.columns)).with_columns(
        pl.lit(champion.name).alias(NAME),
        pl.lit(champion.version).alias(VERSION),
        pl.lit(champion.run_id).alias(RUN),
        pl.lit(window.horizon_days).alias(HORIZON),
    )
