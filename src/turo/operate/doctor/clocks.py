"""When two clocks differ, and by how much, in words."""

from __future__ import annotations

from turo.words import counted

DRIFT_S = 120  # between two clocks, and none is called wrong
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def apart(seconds: float) -> str:
    """Such as `3 hours ahead`; behind where `seconds` are below 0."""
    size = abs(seconds)
    unit, name = next((one for one in UNITS if size >= one[0]), UNITS[-1])
    return f"{counted(round(size / unit), name)} {'ahead' if seconds > 0 else 'behind'}"
