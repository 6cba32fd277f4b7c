"""By whose clock the platform's schedules go; read by DAGs: standard library only."""

from __future__ import annotations

import logging
from zoneinfo import ZoneInfo

logger = logging.getLogger(__name__)


def zone_of(name: str) -> ZoneInfo:
    """The zone that TIMEZONE names; UTC where there is none: reading the data refuses the name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not known; not a name at all; a folder of zones
        logger.warning("TIMEZONE=%r does not exist, so schedules and what is due go by UTC", name)
        return ZoneInfo("UTC")
