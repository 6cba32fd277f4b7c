"""track-record.html: what was forecast on past Mondays beside what came true, for a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from turo.data.tables import Tables
from turo.files import atomic_path
from turo.html import render as html
from turo.replay import pictures as svg
from turo.replay.columns import FLEET, VEHICLE
from turo.replay.figures import Figures
from turo.replay.past_mondays import BY_DATES, BY_EXPORT, BY_LATER_EXPORT
from turo.replay.ray_tasks import Plan

TEMPLATE = "track-record.html"
MOST_VEHICLES = 300  # listed; track-record.csv has every one
HOW = {
    BY_DATES: "by the dates of booking and cancellation in the file",
    BY_EXPORT: "by an export of that day",
    BY_LATER_EXPORT: "by the first export after it, cut at that day",
}


@dataclass(frozen=True)
class Facts:
    """Everything the page shows."""

    record: pl.DataFrame
    figures: Figures
    notices: Sequence[str]
    plan: Plan
    days: Sequence[date]
    tables: Tables
    made: datetime
    code_version: str


def render(facts: Facts) -> str:
    """The page as HTML."""
    record, plan = facts.record, facts.plan
    fleet = record.filter(level=FLEET)
    horizons = fleet["horizon_days"].unique().sort().to_list()
    mondays = {
        horizon: fleet.filter(horizon_days=horizon).sort("origin_date").to_dicts() for horizon in horizons
    }
    known_by = dict(fleet.unique("origin_date")["known_by"].value_counts(sort=True).iter_rows())
    return html.render(
        TEMPLATE,
        first=facts.days[0],
        last=facts.days[-1],
        mondays=len(facts.days),
        model=plan.method.name,
        retrain_weeks=plan.retrain_weeks,
        snapshot=facts.tables.snapshot,
        profile=facts.tables.profile,
        made=facts.made,
        code_version=facts.code_version,
        notices=facts.notices,
        known_by=[(HOW[name], count) for name, count in known_by.items()],
        cards=[card for horizon in horizons if (card := _card(facts.figures, horizon))],
        pictures=[(horizon, svg.fleet(rows), rows) for horizon, rows in mondays.items()],
        methods=[(horizon, facts.figures.of_horizon(horizon)) for horizon in horizons],
        vehicles=_vehicles(record, facts.figures, plan.main if plan.main in horizons else horizons[0]),
        most=MOST_VEHICLES,
        gone=facts.figures.gone,
    )


def write(facts: Facts, path: Path) -> None:
    """Render into a file: the whole page or none."""
    page = render(facts)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _card(figures: Figures, horizon: int) -> dict[str, Any] | None:
    methods = figures.of_horizon(horizon)
    if not methods:
        return None
    others = methods[1:]
    return {"horizon": horizon, "forecast": methods[0], "best": others[0] if others else None}


def _vehicles(record: pl.DataFrame, figures: Figures, horizon: int) -> dict[str, Any]:
    """The vehicles of one horizon, the largest errors first, each with the picture of its Mondays."""
    rows = figures.vehicles.filter(horizon_days=horizon)
    shown = rows.head(MOST_VEHICLES)
    mine = record.filter(level=VEHICLE, horizon_days=horizon)
    lines = {
        str(vehicle): svg.vehicle(part.to_dicts())
        for (vehicle,), part in mine.group_by(["vehicle_id"], maintain_order=True)
    }
    listed = [row | {"picture": lines[row["vehicle_id"]]} for row in shown.to_dicts()]
    return {"horizon": horizon, "rows": listed, "count": len(rows)}
