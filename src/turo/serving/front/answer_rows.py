"""Rows behind the report's answers as pages show them, whichever version wrote the files."""

from __future__ import annotations

from datetime import date
from typing import Any

from turo.serving.front.fleet_files import FleetFiles

Kind = tuple[type, ...]
NUMBER: Kind = (int, float)
TEXT: Kind = (str,)
TIME: Kind = (date,)  # a moment is one, too
TRUTH: Kind = (bool,)
SHOWN: dict[str, dict[str, Kind]] = {
    "advice": {"rank": NUMBER, "vehicle_id": TEXT, "vehicle": TEXT, "reason": TEXT, "to_do": TEXT}
    | dict.fromkeys(("money_at_stake", "days_short"), NUMBER),
    "asked": dict.fromkeys(("vehicle_id", "vehicle", "question"), TEXT),
    "at_risk": dict.fromkeys(("bookings", "days", "expected_days_lost", "expected_money_lost"), NUMBER),
    "fleet_number": {"horizon_days": NUMBER, "track_record": TEXT, "books": TEXT, "calendar_days": NUMBER},
    "gaps": dict.fromkeys(("start", "end", "slot_start", "slot_end"), TIME)
    | {"after": TEXT, "before": TEXT, "fits": TRUTH, "service_slot": TRUTH}
    | dict.fromkeys(("days", "chance", "cases", "stranded_days"), NUMBER),
    "league": {
        "class": TEXT,
        "verdict": TEXT,
        "payback_from": TIME,
        "payback_to": TIME,
        "payback_known": TRUTH,
    }
    | dict.fromkeys(("window_days", "earned_per_day", "price_day", "use"), NUMBER)
    | dict.fromkeys(("difference", "low", "high", "profit", "break_even_use"), NUMBER),
    "since_last_monday": dict.fromkeys(
        ("new_bookings", "cancellations", "days_won", "days_lost", "expected_then", "expected_now", "moved"),
        NUMBER,
    ),
}


def answer_rows(files: FleetFiles, key: str, **where: Any) -> list[dict[str, Any]]:
    """Rows of an answer's file with the columns of SHOWN; what is not there, or of another kind, is None."""
    return [
        {name: _of_kind(row.get(name), kind) for name, kind in SHOWN[key].items()}
        for row in files.rows(key, **where)
    ]


def first(files: FleetFiles, key: str, vehicle_id: str) -> dict[str, Any] | None:
    """The one row of a vehicle."""
    return next(iter(answer_rows(files, key, vehicle_id=vehicle_id)), None)


def _of_kind(value: Any, kind: Kind) -> Any:
    return value if isinstance(value, kind) else None
