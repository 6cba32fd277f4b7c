"""All that is known of one vehicle, as its page shows it."""

from __future__ import annotations

from typing import Any

from turo.forecast.answers.vehicle_files import VEHICLE_TRACK, VEHICLE_WEEKS
from turo.forecast.forecast_columns import CLASS
from turo.models.spread import TOLERANCE
from turo.serving.front.answer_rows import answer_rows, first
from turo.serving.front.fleet_files import FleetFiles
from turo.serving.front.vehicles.vehicle_pictures import fan_picture, weeks_picture
from turo.table.targets import TARGET

MOST_MONDAYS = 13


def vehicle_view(files: FleetFiles, vehicle_id: str) -> dict[str, Any] | None:
    """What the template takes; None for a vehicle that the newest forecast does not have."""
    rows = files.forecasts.filter(vehicle_id=vehicle_id).sort("horizon_days").to_dicts()
    if not rows:
        return None
    target = rows[0]["target"]
    unit = TARGET[target].noun if target in TARGET else target
    main = next((row for row in rows if row["horizon_days"] == files.main), rows[0])
    weeks = sorted(files.rows(VEHICLE_WEEKS, vehicle_id=vehicle_id), key=lambda row: row["week"])
    track = files.rows(VEHICLE_TRACK, vehicle_id=vehicle_id)
    league = answer_rows(files, "league", vehicle_id=vehicle_id)
    return {
        "id": vehicle_id,
        "name": main["vehicle"] or vehicle_id,
        "unit": unit,
        "rows": rows,
        "main": main,
        "reasons": [reason for reason in (main["reason_1"], main["reason_2"]) if reason],
        "weeks": weeks_picture(weeks, files.origin) if weeks else "",
        "week_rows": weeks,
        "fan": fan_picture(rows, unit),
        "gaps": answer_rows(files, "gaps", vehicle_id=vehicle_id),
        "league": sorted(league, key=lambda row: row["window_days"] or 0),
        "peers": _peers(files, league),
        "risk": first(files, "at_risk", vehicle_id),
        "advice": first(files, "advice", vehicle_id),
        "asked": first(files, "asked", vehicle_id),
        "since": first(files, "since_last_monday", vehicle_id),
        "track": [_judged(row) for row in _newest(track)],
        "scores": _scores(track),
    }


def _peers(files: FleetFiles, league: list[dict[str, Any]]) -> str:
    """Whom the league table compares the vehicle with; without a class, all others that have none."""
    if any(row["class"] for row in league):
        return "its class"
    return "the fleet" if files.totals.filter(level=CLASS).is_empty() else "others without a class"


def _inside(row: dict[str, Any]) -> bool | None:
    low, high, actual = row["low"], row["high"], row["actual"]
    return None if low is None or high is None else low - TOLERANCE <= actual <= high + TOLERANCE


def _newest(track: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every horizon of the newest Mondays, those first."""
    mondays = sorted({row["origin_date"] for row in track})[-MOST_MONDAYS:]
    rows = [row for row in track if row["origin_date"] in mondays]
    return sorted(rows, key=lambda row: (-row["origin_date"].toordinal(), row["horizon_days"]))


def _judged(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "inside": _inside(row)}


def _scores(track: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One a horizon: Mondays, how many came out inside the range, the mean error of the typical number."""
    found = []
    for horizon in sorted({row["horizon_days"] for row in track}):
        rows = [row for row in track if row["horizon_days"] == horizon]
        ranged = [inside for inside in map(_inside, rows) if inside is not None]
        off = [abs(row["median"] - row["actual"]) for row in rows if row["median"] is not None]
        found.append(
            {
                "horizon": horizon,
                "mondays": len(rows),
                "ranged": len(ranged),
                "inside": sum(ranged),
                "off": sum(off) / len(off) if off else None,
            }
        )
    return found
