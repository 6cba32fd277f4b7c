"""The fleet at a glance: what is expected over each horizon, and which vehicles are worth a look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from turo.forecast.forecast_columns import FLEET
from turo.serving.front.answer_rows import answer_rows
from turo.serving.front.fleet_files import FleetFiles
from turo.table.targets import BOOKED_DAYS, TARGET

MOST_ADVICE = 7


def fleet_view(files: FleetFiles) -> dict[str, Any]:
    """What the home page takes."""
    target = files.forecasts["target"][0]
    numbers = answer_rows(files, "fleet_number")
    calendar = {row["horizon_days"]: row["calendar_days"] for row in numbers}
    totals = files.totals.filter(level=FLEET).sort("horizon_days").to_dicts()
    return {
        "origin": files.origin,
        "made_at": files.made_at,
        "snapshot": (files.made.get("snapshot") or "")[:10],
        "vehicles": files.active,
        "unit": TARGET[target].noun if target in TARGET else target,
        "cards": [
            {
                **row,
                "calendar_days": calendar.get(row["horizon_days"]),
                "until": files.origin + timedelta(days=row["horizon_days"] - 1),
                "use": row["mean"] / row["available_days"]
                if target == BOOKED_DAYS and row["available_days"] and row["mean"] is not None
                else None,
            }
            for row in totals
            if row["horizon_days"] is not None
        ],
        "books": next((row["books"] for row in numbers if row["books"]), ""),
        "track": [row for row in numbers if row["track_record"]],
        "advice": [
            row
            for row in sorted(answer_rows(files, "advice"), key=lambda row: row["rank"] or 0)
            if row["vehicle_id"] and row["to_do"]
        ][:MOST_ADVICE],
        "asked": [row for row in answer_rows(files, "asked") if row["vehicle_id"] and row["question"]],
    }
