"""Whether the data are new enough: age of the newest origin, files that changed since the table was made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from turo.data.tables import Tables
from turo.forecast.horizon_tables import HorizonTable

FRESH_DAYS = 13  # a newer Monday exists after 7 days; a week of grace


def late(origin: date, now: datetime) -> list[str]:
    """Says so where a forecast begins long before it is made."""
    days = (now.date() - origin).days
    if days <= FRESH_DAYS:
        return []
    return [
        f"The forecast begins {days} days before it was made: bring newer reservations and run prepare_data."
    ]


def changed_inputs(tables: Sequence[HorizonTable], source: Tables) -> list[str]:
    """What is wrong between the files as they are and the tables made from them."""
    digests = {name: facts["sha256"] for name, facts in source.inputs.items()}
    for table in tables:
        prepared = {name: facts["sha256"] for name, facts in table.manifest.get("inputs", {}).items()}
        if prepared and prepared != digests:
            return ["The input files changed after the table was prepared: run prepare_data again."]
    return []
