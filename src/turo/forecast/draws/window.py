"""What one horizon is forecast from: rows, who forecasts them, and the vehicles they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from turo.forecast.champions import Champion
from turo.forecast.forecast_columns import CLASS
from turo.models.encoding import Columns
from turo.table.model_columns import arrays, feature_columns, numbers
from turo.table.names import LOOKS_GONE
from turo.table.targets import BOOKED_DAYS, TARGET


@dataclass(frozen=True)
class Window:
    """What one horizon is forecast from.

    Attributes:
        rows: features of the vehicles at the newest origin.
        vehicles: vehicle_id, vehicle, available_days, looks_gone, last_trip of each row's vehicle.
        usual: what each feature is on average, where the champion is a model.
        background: some rows of the past, as models take them, where its effects are sampled.
    """

    rows: pl.DataFrame
    champion: Champion
    vehicles: pl.DataFrame
    usual: Mapping[str, float] = field(default_factory=dict)
    background: Columns = field(default_factory=dict)

    @property
    def horizon_days(self) -> int:
        """Its length."""
        return self.champion.horizon_days

    @property
    def ids(self) -> list[str]:
        """The vehicle of each row."""
        return self.rows["vehicle_id"].to_list()

    @property
    def target(self) -> str:
        """What is forecast."""
        return self.champion.forecaster.target

    @cached_property
    def features(self) -> Columns:
        """The rows as models take them."""
        return arrays(self.rows, feature_columns(self.rows.columns))

    @cached_property
    def classes(self) -> bool:
        """Does any vehicle have a class? A prepared table has the column always, null without classes."""
        return CLASS in self.rows.columns and self.rows[CLASS].count() > 0

    def here(self) -> Window:
        """Without the vehicles that look gone: they are in no total."""
        gone = self.vehicles.filter(LOOKS_GONE)["vehicle_id"].implode()
        return replace(self, rows=self.rows.filter(~pl.col("vehicle_id").is_in(gone)))

    def most(self) -> np.ndarray:
        """The most that can come (rows,): the available days, or what is booked beyond them already."""
        if self.target != BOOKED_DAYS:
            return np.full(len(self.rows), np.inf)
        known = self.rows.select("vehicle_id").join(
            self.vehicles, "vehicle_id", how="left", maintain_order="left"
        )
        books = self.features.get(TARGET[self.target].on_books, np.zeros(len(self.rows)))
        return np.maximum(numbers(known["available_days"]), np.nan_to_num(books))
