"""Whether the report of this week is there: gauges of when it was made and since when one is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from turo.forecast.output.report_due import wanted_since
from turo.monitoring.statsd import Sample
from turo.prepare import input_notes
from turo.table.names import REPORT, REPORT_MADE

WANTED = "report_wanted_since_timestamp_seconds"  # a report made before it is late
TOLD = {"made": "report_made_timestamp_seconds", "origin": "report_origin_timestamp_seconds"}


@dataclass(frozen=True)
class ReportWatch:
    """Tells since when a report is wanted, and of the newest when it was made and the Monday it begins with.

    Args:
        data_dir: where `report/made.json` lies; without one that can be read, only what is wanted is told.
        zone: by whose clock a Monday begins.
        clock: seconds since 1970.
    """

    data_dir: str
    zone: ZoneInfo
    clock: Callable[[], float] = time.time

    def samples(self) -> list[Sample]:
        """One value of each gauge that is known, seconds since 1970."""
        wanted = wanted_since(datetime.fromtimestamp(self.clock(), UTC), self.zone)
        made = input_notes.read(Path(self.data_dir) / REPORT / REPORT_MADE)
        known = {gauge: _seconds(made.get(name)) for name, gauge in TOLD.items()}
        return [
            Sample(WANTED, wanted.timestamp(), {}),
            *(Sample(gauge, value, {}) for gauge, value in known.items() if value is not None),
        ]


def _seconds(text: object) -> float | None:
    """An ISO date or time of UTC, as the report notes them; None for anything else."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp() if moment else None
