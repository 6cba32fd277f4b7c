"""Moments as services tell them."""

from __future__ import annotations

from datetime import UTC, datetime


def since_1970(seconds: float) -> datetime | None:
    """The moment so many seconds after 1970 began, in UTC; None for what is none."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
