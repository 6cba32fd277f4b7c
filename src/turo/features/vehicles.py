"""Vehicles as arrays: attributes that never change, dates of the listing, prices that the file dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.features.scope import DATED, Scope
from turo.features.time import NEVER, Flags, Floats, Ints

_TYPES: dict[str, type[pl.DataType]] = {
    "vehicle_id": pl.String,
    **dict.fromkeys(("class", "fuel", "make"), pl.String),
    "year": pl.Float64,
    **dict.fromkeys(("listed_from", "listed_to", "valid_from"), pl.Date),
}


@dataclass(frozen=True)
class Vehicles:
    """One entry a vehicle, sorted by id. Instants in microseconds; NEVER where a date is absent."""

    ids: pl.Series
    listed_from: Ints
    listed_to: Ints
    year: Floats
    names: pl.DataFrame  # class, fuel, make
    class_number: Ints  # place in Scope.classes, -1 without a class
    dated: pl.DataFrame  # vehicle_id, valid_from (µs), DATED; lines with a date only

    @classmethod
    def of(cls, vehicles: pl.DataFrame, rows: pl.DataFrame, classes: tuple[str, ...]) -> Vehicles:
        """Vehicles of the vehicles table, and of reservations whose vehicle has no line there."""
        table = _complete(vehicles)
        single = one_line(table, ("listed_from", "year", "class", "fuel", "make"))
        ids = pl.concat([single["vehicle_id"], rows["vehicle_id"]]).unique().sort().alias("vehicle_id")
        attributes = ids.to_frame().join(single, "vehicle_id", how="left", maintain_order="left")
        return cls(
            ids=ids,
            listed_from=_instants(attributes["listed_from"]),
            listed_to=_instants(attributes["listed_to"]),
            year=attributes["year"].to_numpy().astype(np.float64),
            names=attributes.select("class", "fuel", "make"),
            class_number=_numbers(attributes["class"], classes),
            dated=_dated(table),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def active(self, first_known: Ints, scope: Scope) -> Flags:
        """(vehicles, origins): is the vehicle in the fleet, as far as one could know then?

        From `listed_from`, else from its first booking known at the origin; until `listed_to`.
        """
        begin = np.where(self.listed_from == NEVER, first_known, self.listed_from)
        return (begin[:, None] <= scope.origins) & (scope.origins < self.listed_to[:, None])

    def valid_at(self, scope: Scope) -> dict[str, Floats]:
        """(vehicles, origins) by dated attribute: its newest value with valid_from <= origin, NaN before."""
        found = {}
        for name in scope.dated:
            values = np.full((len(self), len(scope.origins)), np.nan)
            for (vehicle_id,), lines in self.dated.drop_nulls(name).group_by(["vehicle_id"]):
                place = np.searchsorted(lines["valid_from"].to_numpy(), scope.origins, side="right") - 1
                line = np.where(place >= 0, lines[name].to_numpy()[place], np.nan)
                values[int(self.ids.search_sorted(vehicle_id))] = line
            found[name] = values
        return found


def _complete(vehicles: pl.DataFrame) -> pl.DataFrame:
    types = _TYPES | dict.fromkeys(DATED, pl.Float64)
    present = {name: pl.col(name) for name in types if name in vehicles.columns}
    missing = {name: pl.lit(None) for name in types if name not in vehicles.columns}
    return vehicles.select((present | missing)[name].cast(kind).alias(name) for name, kind in types.items())


def one_line(vehicles: pl.DataFrame, lasting: Sequence[str]) -> pl.DataFrame:
    """One row a vehicle: its `lasting` attributes and `listed_to`, of all its lines.

    A line that dates a price may leave the rest empty. The first that says something counts, so that a later
    one does not move past rows; only the end of the listing is the newest.
    """
    lines = vehicles.sort("valid_from", nulls_last=True, maintain_order=True)
    return lines.group_by("vehicle_id", maintain_order=True).agg(
        pl.col(*lasting).drop_nulls().first(), pl.col("listed_to").drop_nulls().last()
    )


def _dated(table: pl.DataFrame) -> pl.DataFrame:
    lines = table.filter(pl.col("valid_from").is_not_null()).sort("vehicle_id", "valid_from")
    since = pl.col("valid_from").cast(pl.Datetime("us")).dt.epoch("us")
    return lines.select("vehicle_id", since, *DATED)


def _instants(dates: pl.Series) -> Ints:
    return dates.cast(pl.Datetime("us")).dt.epoch("us").fill_null(NEVER).to_numpy().astype(np.int64)


def _numbers(names: pl.Series, classes: tuple[str, ...]) -> Ints:
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)
