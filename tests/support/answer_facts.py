"""What answers are made of, from reservations alone: no model, no forecast but the vehicles' names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from tiny_fleet import Row, reservations

from turo.data.tables import BLOCKS, REJECTED, VEHICLES, Tables, empty
from turo.forecast.advising.week_list import TYPES
from turo.forecast.answers.answer import Facts
from turo.forecast.answers.gap_history.gaps_now import GapsNow
from turo.forecast.forecast_columns import FORECASTS, TOTALS, with_columns
from turo.forecast.live.track import Live


def fleet_tables(
    rows: list[Row], snapshot: str, blocks: pl.DataFrame | None = None, **vehicle: Any
) -> Tables:
    """Canonical tables; every vehicle of the rows has a line with these attributes."""
    booked = reservations(rows)
    ids = booked["vehicle_id"].unique().sort()
    lines = [{"vehicle_id": each, **vehicle} for each in ids] or None
    fleet = pl.DataFrame(lines, schema=VEHICLES) if lines else empty(VEHICLES)
    moment = datetime.fromisoformat(snapshot)
    return Tables("canonical", booked, fleet, blocks, moment, empty(REJECTED))


def facts(tables: Tables, *gone: str) -> Facts:
    """Facts of these tables; the vehicles in `gone` look gone in the forecast."""
    ids = tables.vehicles["vehicle_id"]
    named = pl.DataFrame(
        {
            "vehicle_id": ids,
            "vehicle": [f"Kia Rio {each}" for each in ids],
            "flag": ["looks_gone" if each in gone else "on_plan" for each in ids],
        }
    )
    empty_totals = pl.DataFrame(schema=TOTALS)
    forecasts = with_columns(named, FORECASTS)
    return Facts(
        tables=tables,
        origin=tables.snapshot.date(),
        main=28,
        forecasts=forecasts,
        totals=empty_totals,
        history=forecasts.clear(),
        history_totals=empty_totals,
        live=Live(),
        horizon_tables=(),
        windows=(),
        past=pl.DataFrame(),
        gaps=GapsNow.of(tables, forecasts),
        named=pl.DataFrame(schema=TYPES),
        folder=Path(),
    )


def blocked(*rows: tuple[str, str, str, str | None]) -> pl.DataFrame:
    """Canonical blocks of (vehicle_id, start, end, created_at)."""
    lines = [(each, *(when and datetime.fromisoformat(when) for when in times)) for each, *times in rows]
    return pl.DataFrame(lines, schema=BLOCKS, orient="row")
