"""What is true of sums: the fleet and its classes, added up world by world, and what draws are told by.

The requests, prices and leavings of a vehicle are drawn by themselves; what vehicles have in common (season,
weekdays, holidays) is known in advance. So the k-th simulations of all vehicles together are one world that
may come true, and there is no shock that they would have to share.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from turo.data.synthetic.vehicles import Floats, Ints
from turo.data.synthetic.world import World
from turo.table.names import QUANTILE_NAMES, QUANTILES

FLEET, CLASS = "fleet", "class"  # levels
DIGITS = 3


def quantiles(draws: Floats) -> dict[str, Floats]:
    """`q05` … `q95` along the last axis of the draws; `q50` is their median.

    Interpolated so that one more draw falls below each with just its probability (Weibull's positions):
    between the 10th and 90th of 100 draws lie 79 % of what may come, not 80 %.
    """
    found = np.quantile(draws, QUANTILES, axis=-1, method="weibull")
    named: dict[str, Floats] = dict(zip(QUANTILE_NAMES, found, strict=True))
    return named | {"q50": np.median(draws, axis=-1)}


class Sums:
    """Draws of one horizon, added up over vehicles as they come."""

    def __init__(self, world: World, mondays: Ints, horizon: int, draws: int) -> None:
        classes = sorted(set(world.vehicles.vehicle_class))
        self._world, self._mondays, self._horizon = world, mondays, horizon
        self._groups = [(FLEET, ""), *((CLASS, name) for name in classes)]
        self._draws = np.zeros((len(self._groups), len(mondays), draws))
        self._vehicles = np.zeros((len(self._groups), len(mondays)), np.int64)

    def add(self, vehicle: int, known: NDArray[np.bool_], draws: Floats) -> None:
        """Add the draws of one vehicle (known Mondays, draws) to the fleet and to its class."""
        for group in (0, self._groups.index((CLASS, self._world.vehicles.vehicle_class[vehicle]))):
            self._draws[group, known] += draws
            self._vehicles[group, known] += 1

    def table(self) -> pl.DataFrame:
        """One row per Monday, level and name, where there is any vehicle; ordered like that."""
        frames = []
        for (level, name), draws, vehicles in zip(self._groups, self._draws, self._vehicles, strict=True):
            told = {"mean": draws.mean(axis=-1), **quantiles(draws)}
            keys = {
                "origin_date": [self._world.calendar.first + timedelta(days=int(d)) for d in self._mondays],
                "horizon_days": self._horizon,
                "level": level,
                "name": name,
                "vehicles": vehicles,
                "draws": draws.shape[-1],
            }
            frames.append(pl.DataFrame(keys | {key: values.round(DIGITS) for key, values in told.items()}))
        some = pl.concat(frames).filter(pl.col("vehicles") > 0)
        return some.sort("origin_date", maintain_order=True)  # within a Monday as above: the fleet first
