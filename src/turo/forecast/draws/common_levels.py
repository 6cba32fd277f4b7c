"""Where draws read each distribution: past weeks tell what vehicles and windows have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from turo.forecast.draws.window import Window
from turo.models.draws import MIN_ORIGINS, PastPlaces, levels
from turo.words import by_number, counted

KEYS = ["vehicle_id", "origin_date"]


def common_levels(windows: Sequence[Window], rows: int, main: int) -> tuple[np.ndarray, str]:
    """Levels (rows, windows, DRAWS) to read the distributions at, and what must be said of them."""
    seed = windows[0].rows["origin_date"][0].toordinal()
    known = _together([window.champion.places for window in windows])
    if known["origin_date"].n_unique() >= MIN_ORIGINS:
        return _levels(known, rows, [window.horizon_days for window in windows], seed), ""
    single = next((window for window in windows if window.horizon_days == main), windows[0])
    known = _together([single.champion.places])
    weeks = known["origin_date"].n_unique()
    enough = weeks >= MIN_ORIGINS
    known = known if enough else known.clear()
    one = _levels(known, rows, [single.horizon_days], seed)
    return np.repeat(one, len(windows), axis=1), "" if enough or rows == 1 else (
        "The range of the fleet's total takes the vehicles to be independent: "
        f"only {counted(weeks, 'past week')} {by_number(weeks, 'is', 'are')} known, {MIN_ORIGINS} are needed."
    )


def _levels(known: pl.DataFrame, rows: int, days: Sequence[int], seed: int) -> np.ndarray:
    places = PastPlaces(known["origin_date"].to_numpy(), known.drop(KEYS).to_numpy(), days)
    return levels(places, rows, seed)


def _together(places: Sequence[pl.DataFrame | None]) -> pl.DataFrame:
    """KEYS and a column of places for each window, of the vehicles and weeks known in all of them."""
    schema = {"vehicle_id": pl.String, "origin_date": pl.Date, "place": pl.Float64}
    joined = pl.DataFrame()
    for number, found in enumerate(places):
        one = (pl.DataFrame(schema=schema) if found is None else found).fill_nan(None).drop_nulls()
        one = one.unique(KEYS, keep="last", maintain_order=True).rename({"place": f"place_{number}"})
        joined = joined.join(one, KEYS) if number else one
    return joined.sort("origin_date", "vehicle_id")
