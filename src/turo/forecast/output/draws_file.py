"""The draws as a file, for sums and shares of one's own: `forecast-draws.parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from turo.files import atomic_path
from turo.forecast.draws.fleet_draws import Drawn, Draws
from turo.forecast.draws.window import Window
from turo.forecast.forecast_columns import Types, with_columns
from turo.models.derived import RESERVATIONS, REVENUE
from turo.table.targets import BOOKED_DAYS, PREFIX

FILE = "forecast-draws.parquet"
DAYS = "days"
COLUMNS: Types = {
    "vehicle_id": pl.String,
    "origin_date": pl.Date,
    "horizon_days": pl.Int32,
    "draw": pl.Int32,  # the same number is the same draw, of all vehicles and horizons
    DAYS: pl.Float32,
    RESERVATIONS: pl.Float32,
    REVENUE: pl.Float32,
}


def write(windows: Sequence[Window], draws: Draws, path: Path) -> None:
    """Write COLUMNS, a row a vehicle, horizon and draw, whole or leave the old file as it is.

    Without any draws there is no file: an old one would be of another forecast.
    """
    found = [(window, draws.by_horizon.get(window.horizon_days)) for window in windows]
    parts = [_rows(window, drawn) for window, drawn in found if drawn is not None]
    if not parts:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary:
        pl.concat(parts).write_parquet(temporary, compression="zstd")


def _rows(window: Window, drawn: Drawn) -> pl.DataFrame:
    vehicles, count = drawn.values.shape
    target = DAYS if window.target == BOOKED_DAYS else window.target.removeprefix(PREFIX)
    values = {**drawn.derived, target: drawn.values}
    table = pl.DataFrame(
        {
            "vehicle_id": pl.Series(drawn.vehicles, dtype=pl.String).gather(
                np.repeat(np.arange(vehicles), count)
            ),
            "origin_date": window.rows["origin_date"][0],
            "horizon_days": np.full(vehicles * count, window.horizon_days),
            "draw": np.tile(np.arange(count), vehicles),
            **{name: found.ravel() for name, found in values.items()},
        }
    )
    return with_columns(table.with_columns(pl.col(list(drawn.derived)).fill_nan(None)), COLUMNS)
