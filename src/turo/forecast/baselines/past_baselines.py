"""What each baseline would have said at past origins, from the windows that were over by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import polars as pl

from turo.table.model_columns import arrays, feature_columns, numbers
from turo.table.names import LOOKS_GONE, ORIGIN
from turo.training.evaluation.baselines import Forecasts, time_baselines
from turo.training.recipe import take


def at_origins(
    rows: pl.DataFrame, target: str, horizon: int, origins: Iterable[date]
) -> Iterator[tuple[np.ndarray, Forecasts]]:
    """For each origin the numbers of its rows, and what each baseline says of them.

    Left out are origins without a row, and those at which no window was over. Nothing is learnt from vehicles
    that look gone.

    Args:
        rows: of the prepared table, those to forecast and those to learn from.
        origins: the order they come in.
    """
    columns, y = arrays(rows, feature_columns(rows.columns)), numbers(rows[target])
    days = rows[ORIGIN].to_numpy().astype("datetime64[D]")
    over = days + np.timedelta64(horizon, "D")
    teaches = np.isfinite(y)
    if LOOKS_GONE in rows.columns:
        teaches &= (rows[LOOKS_GONE] == 0).to_numpy()
    for origin in map(np.datetime64, origins):
        here, past = np.flatnonzero(days == origin), teaches & (over <= origin)
        if len(here) and past.any():
            yield here, time_baselines(target, horizon, take(columns, past), y[past], take(columns, here))
