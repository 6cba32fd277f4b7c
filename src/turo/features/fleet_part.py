"""A part of the fleet, or all of it: the tables that one task works on."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Part:
    """Slim reservations sorted by vehicle_id (see `trips.slim`), vehicles, blocks (None: no file)."""

    rows: pl.DataFrame
    vehicles: pl.DataFrame
    blocks: pl.DataFrame | None
