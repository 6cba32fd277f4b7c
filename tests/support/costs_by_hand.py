"""The league table of vehicles that are let alike every week, with a costs.csv."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from facts_by_hand import facts, tables
from tiny_fleet import reservations, trip, vehicles

from turo.forecast.answers import league
from turo.forecast.answers.answer import Answer

Row = dict[str, Any]
HEADER = "vehicle_id,purchase_price,purchase_date,monthly_cost,cost_per_distance\n"
A_DAY = 304.375  # a month, at 10 a day


def weekly(vehicle: str, distances: list[float | None], **more: Any) -> list[Row]:
    """Three days at 210 in each week before `MONDAY`, the newest first."""
    last = datetime(2026, 11, 17)
    starts = [last - timedelta(weeks=week) for week in range(len(distances))]
    return [
        trip(
            vehicle,
            str(start),
            str(start + timedelta(days=3)),
            str(start - timedelta(days=5)),
            **{"trip_price": 210.0, "distance": distance, **more},
        )
        for start, distance in zip(starts, distances, strict=True)
    ]


def told(folder: Path, costs: str, rows: list[Row], *classes: str | None) -> Answer:
    (folder / "costs.csv").write_text(HEADER + costs)
    fleet = vehicles(*((name, "2025-01-01", kind) for name, kind in zip("ABCD", classes, strict=False)))
    return league.answer(facts(tables(reservations(rows), fleet), folder))


def row(answer: Answer, vehicle: str, days: int = 28) -> Row:
    chosen = (pl.col("vehicle_id") == vehicle) & (pl.col("window_days") == days)
    return answer.rows.row(by_predicate=chosen, named=True)
