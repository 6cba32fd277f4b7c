"""Some cars of a fleet, or all of them: what one step of the work is given."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Part:
    """Slim reservations sorted by vehicle_id (see `trips.slim`), vehicles, blocks (None: no file)."""

    rows: pl.DataFrame
    vehicles: pl.DataFrame
    blocks: pl.DataFrame | None
