"""Since when a schedule counts: the moment in which this stack was set up.

Airflow makes up for the newest run that was missed while nothing ran, but only where the DAG ran by its
schedule before or has a start date. Without one a machine that is off each time (a laptop at night) never
runs it; with one that is long over a first start runs everything at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

# Bootstrap writes it when there is none, and leaves it alone from then on.
FIRST_SECRET = Path("/run/secrets/airflow/secret_key")


def set_up_at() -> datetime | None:
    """To the second, with its zone; None where the stack's secrets are not: outside of its containers."""
    try:
        return datetime.fromtimestamp(int(FIRST_SECRET.stat().st_mtime), UTC)
    except OSError:
        return None
