"""When the report of a week is made and when it must be there: Mondays, by the clock of TIMEZONE.

Read by the DAG too, in processes that have none of the data libraries: standard library only.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

CRON = (
    "0 5 * * MON"  # the weekly forecast: two hours before somebody looks, also where a model must be trained
)
DUE = time(7)


def wanted_since(now: datetime, zone: ZoneInfo) -> datetime:
    """Midnight of the Monday that the newest report must not be older than; a Monday counts from `DUE` on.

    Args:
        now: with a zone, whichever.
    """
    day = now.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    # Of one zone two times compare by their hands, which go back once a year: so by the instant.
    if now.astimezone(UTC) < datetime.combine(monday, DUE, zone).astimezone(UTC):
        monday -= timedelta(weeks=1)
    return datetime.combine(monday, time(), zone)
