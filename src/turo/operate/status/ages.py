"""How long ago, or in how long: the biggest unit that fits, as people say it."""

from __future__ import annotations

from datetime import UTC, datetime

from turo.words import counted

NOT_KNOWN = "-"
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def moment(told: str) -> datetime | None:
    """An ISO text as a moment, in UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def age(when: datetime | None, now: datetime) -> str:
    """`5 minutes ago`, `in 3 hours`, or a dash for what is not known."""
    if when is None:
        return NOT_KNOWN
    seconds = (now - when).total_seconds()
    if abs(seconds) < 1:
        return "now"
    size, unit = next((size, unit) for size, unit in UNITS if abs(seconds) >= size)
    told = counted(int(abs(seconds) // size), unit)
    return f"{told} ago" if seconds > 0 else f"in {told}"
