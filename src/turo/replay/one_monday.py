"""The forecast of one past Monday: every vehicle and the fleet, all horizons, the baselines beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

import polars as pl

from turo.errors import InputError, TrainingError
from turo.features.build import fleet_at
from turo.forecast import listed_vehicles
from turo.forecast.draws import fleet_draws, totals
from turo.forecast.draws.window import Window
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import FLEET
from turo.forecast.occupied_days import trips
from turo.forecast.score import Stamp, score
from turo.replay.columns import BASELINE, NUMBERS, SAID, VEHICLE, ordered
from turo.replay.past_mondays import PastMonday
from turo.replay.refit import Refit, training_table
from turo.table.targets import BOOKED_DAYS
from turo.training.evaluation.baselines import time_baselines


def replayed(monday: PastMonday, fits: Sequence[Refit], main: int, priced_books: bool) -> pl.DataFrame:
    """Columns of the track record without what came true; no row of a horizon that has no model.

    Args:
        fits: the newest refit of each horizon.
        main: the horizon whose past stands for the others' in the draws.
    """
    usable = [fit for fit in fits if fit.champion is not None]
    windows = [_window(monday, fit, priced_books) for fit in usable]
    both = [(window, fit) for window, fit in zip(windows, usable, strict=True) if len(window.rows)]
    if not both:
        return pl.DataFrame(schema=SAID)
    windows = [window for window, _ in both]
    draws = fleet_draws.draw(windows, main)
    stamp = Stamp(monday.known_by, "", datetime.combine(monday.day, time()))
    made = pl.concat(
        score(window, stamp, draws.by_horizon.get(window.horizon_days), explained=False) for window in windows
    ).with_columns(looks_gone=pl.col("flag").eq_missing(LOOKS_GONE))
    summed = totals.totals(windows, made, draws).filter(level=FLEET)
    found = []
    for window, fit in both:
        mine = pl.col("horizon_days") == fit.horizon_days
        vehicles = (
            made.filter(mine).with_columns(_baselines(monday, window, priced_books)).with_columns(vehicles=1)
        )
        fleet = _fleet(summed.filter(mine), vehicles)
        found += [fleet, vehicles.with_columns(level=pl.lit(VEHICLE))]
    known = pl.concat([ordered(frame) for frame in found], how="diagonal").with_columns(
        pl.lit(monday.known_by).alias("known_by"),
        pl.col(*NUMBERS, f"^{BASELINE}.*$").round(6),
    )
    return ordered(known)


def _window(monday: PastMonday, fit: Refit, priced_books: bool) -> Window:
    tables, horizon = monday.tables, fit.horizon_days
    if fit.champion is None:
        raise ValueError("A window needs a model.")
    rows = fleet_at(tables, monday.day, horizon, priced_books=priced_books).sort("vehicle_id")
    rows = listed_vehicles.active(rows, tables.vehicles, monday.day)
    # What nobody knew on the day of the training may be missing today as well, prices of the books say.
    absent = [item.name for item in fit.champion.forecaster.fields if item.name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)
    if rows.is_empty():
        return Window(rows, fit.champion, pl.DataFrame())
    described = listed_vehicles.describe(
        rows, tables.vehicles, tables.blocks, trips(tables.reservations), horizon
    )
    return Window(rows, fit.champion, described)


def _baselines(monday: PastMonday, window: Window, priced_books: bool) -> list[pl.Series]:
    """What each baseline says of each vehicle, by the windows that were over on the Monday itself.

    A baseline needs no training: a host who plans with one looks at his newest weeks.
    """
    try:
        past = training_table(monday, window.horizon_days, priced_books)
    except (InputError, TrainingError):  # a later read of exports may lack what the training's had
        return []
    said = time_baselines(BOOKED_DAYS, window.horizon_days, past.columns(), past.y, window.features)
    return [pl.Series(BASELINE + name, values).fill_nan(None) for name, values in said.items()]


def _fleet(total: pl.DataFrame, vehicles: pl.DataFrame) -> pl.DataFrame:
    """The fleet's row: its range from the draws, baselines added up; one that is silent of a vehicle is so
    of the fleet."""
    here = vehicles.filter(~pl.col(LOOKS_GONE))
    names = [name for name in vehicles.columns if name.startswith(BASELINE)]
    sums = {name: here[name].sum() if not here[name].null_count() else None for name in names}
    return total.with_columns(
        *(pl.lit(value, pl.Float64).alias(name) for name, value in sums.items()),
        pl.lit(here["window_end"][0] if len(here) else None, pl.Date).alias("window_end"),
        pl.col("q10").alias("low"),
        pl.col("q90").alias("high"),
        pl.lit(FLEET).alias("level"),
        pl.lit(False).alias(LOOKS_GONE),
    )
