"""Draws of what may come true of all vehicles and windows together: what is added up has a range, too.

Pure: no file, no registry, no clock. The same data give the same draws.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from turo.forecast.draws.common_levels import common_levels
from turo.forecast.draws.window import Window
from turo.models.derived import RESERVATIONS, REVENUE
from turo.models.draws import nested
from turo.models.estimators.base import row_blocks
from turo.models.spread import QUANTILE_NAMES, QUANTILES, Spread
from turo.table.names import MEDIAN_QUANTILE
from turo.table.targets import BOOKED_DAYS
from turo.words import counted

logger = logging.getLogger(__name__)

BLOCK = 64  # vehicles whose draws are turned into reservations and revenue at once


@dataclass(frozen=True)
class Drawn:
    """Draws of one horizon.

    Attributes:
        vehicles: ids, none of them of a vehicle that looks gone.
        most: what no draw exceeds (vehicles,).
        values: of the target (vehicles, DRAWS), in its unit.
        derived: `reservations` and `revenue` (vehicles, DRAWS) that follow from the values of the same draw;
            NaN for a vehicle of which it is not known, absent where it is known of none.
    """

    vehicles: list[str]
    most: np.ndarray
    values: np.ndarray
    derived: dict[str, np.ndarray]

    def by_vehicle(self) -> pl.DataFrame:
        """vehicle_id, most, statistics of the values, and means of what is derived (`derived_…`)."""
        derived = {f"derived_{name}": values.mean(axis=1) for name, values in self.derived.items()}
        told = {"most": self.most, **statistics(self.values), **derived}
        table = pl.DataFrame(
            {"vehicle_id": self.vehicles, **told}, schema_overrides={"vehicle_id": pl.String}
        )
        return table.with_columns(pl.col(list(derived)).fill_nan(None))


@dataclass(frozen=True)
class Draws:
    """Draws by horizon, of those that have any, and what must be said of the others and of their range."""

    by_horizon: dict[int, Drawn] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def draw(windows: Sequence[Window], main: int) -> Draws:
    """Draw booked days, reservations and revenue of every vehicle for all windows at once.

    In each draw a window holds what the shorter ones of the same target hold, and no vehicle has more days
    than it is available.

    Args:
        windows: all of one origin, one a horizon.
        main: the horizon whose past stands for the others' where these have too little of their own.
    """
    ordered = sorted((window.here() for window in windows), key=lambda window: window.horizon_days)
    found = [(window, window.champion.forecaster.spread(window.features)) for window in ordered if window.ids]
    notices = [_no_range(window) for window, spread in found if spread is None]
    ranged = [(window, spread) for window, spread in found if spread is not None]
    vehicles = sorted({vehicle for window, _ in ranged for vehicle in window.ids})
    if not vehicles:
        return Draws({}, _logged(notices))
    asked, notice = common_levels([window for window, _ in ranged], len(vehicles), main)
    place = {vehicle: number for number, vehicle in enumerate(vehicles)}
    at = [np.array([place[vehicle] for vehicle in window.ids], dtype=np.intp) for window, _ in ranged]
    values = _values(ranged, at, asked)
    derived = _derived([window for window, _ in ranged], at, values)
    made = dict[int, Drawn]()
    for number, ((window, _), rows) in enumerate(zip(ranged, at, strict=True)):
        follows = {name: found[rows, number] for name, found in derived.items()}
        known = {name: found for name, found in follows.items() if np.isfinite(found).any()}
        made[window.horizon_days] = Drawn(window.ids, window.most(), values[rows, number], known)
    return Draws(made, _logged(notices + [notice] * bool(notice)))


def statistics(draws: np.ndarray) -> dict[str, np.ndarray]:
    """`mean`, `median` and the other quantiles by name, along the last axis of the draws."""
    quantiles = np.quantile(draws, QUANTILES, axis=-1, method="inverted_cdf")
    named = dict(zip(QUANTILE_NAMES, quantiles, strict=True))
    return {"mean": draws.mean(axis=-1), "median": named.pop(MEDIAN_QUANTILE), **named}


def _logged(notices: list[str]) -> list[str]:
    for text in notices:
        logger.warning("%s", text)
    return notices


def _no_range(window: Window) -> str:
    champion = window.champion
    return champion.no_range or (
        f"No range of the total for {counted(window.horizon_days, 'day')}: {champion.name} version "
        f"{champion.version} was trained by an earlier release. Train it again."
    )


def _values(
    ranged: Sequence[tuple[Window, Spread]], at: Sequence[np.ndarray], asked: np.ndarray
) -> np.ndarray:
    """Draws of the target (vehicles, windows, DRAWS); NaN where a vehicle has no such window."""
    values = np.full(asked.shape, np.nan)
    for number, (window, spread) in enumerate(ranged):
        drawn = spread.quantiles(asked[at[number], number])
        values[at[number], number] = np.clip(drawn, 0.0, window.most()[:, None])
    for target in dict.fromkeys(window.target for window, _ in ranged):
        same = [number for number, (window, _) in enumerate(ranged) if window.target == target]
        horizons = [ranged[number][0].horizon_days for number in same]
        values[:, same] = _nested(values[:, same], horizons, target == BOOKED_DAYS)
    return values


def _derived(
    windows: Sequence[Window], at: Sequence[np.ndarray], values: np.ndarray
) -> dict[str, np.ndarray]:
    """What follows from the days of each draw, in the shape of the values; NaN where it is not known."""
    found = {name: np.full(values.shape, np.nan) for name in (RESERVATIONS, REVENUE)}
    for number, (window, rows) in enumerate(zip(windows, at, strict=True)):
        for block in row_blocks(len(rows), BLOCK):
            part = {name: column[block] for name, column in window.features.items()}
            follows = window.champion.forecaster.derived(part, values[rows[block], number])
            for name, drawn in follows.items():
                found[name][rows[block], number] = drawn
    horizons = [window.horizon_days for window in windows]
    return {name: _nested(drawn, horizons, bounded=False) for name, drawn in found.items()}


def _nested(values: np.ndarray, horizons: Sequence[int], bounded: bool) -> np.ndarray:
    """`nested` over the windows that each vehicle has."""
    fitted, present = values.copy(), np.isfinite(values).all(axis=2)
    for pattern in np.unique(present, axis=0):
        at = np.ix_((present == pattern).all(axis=1), pattern)
        fitted[at] = nested(values[at], np.array(horizons)[pattern].tolist(), bounded)
    return fitted
