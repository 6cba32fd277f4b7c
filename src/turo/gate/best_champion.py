"""The best champion of the last year, which a candidate must not lose to either.

Compared with the champion alone, models could decline slowly, each step too small to be refused.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from turo.registry import versions
from turo.registry.client import Version
from turo.registry.decision_log import read_entries
from turo.registry.fleet_match import difference
from turo.registry.holdout_share import share

REMEMBERED = timedelta(days=365)


def best_of_the_year(candidate: Version) -> Version | None:
    """Of the versions that became champion within a year, same fleet, target and horizon: the best one.

    Best is the smallest share of the best baseline's error. A version that was taken back by hand does not
    count.
    """
    since = (datetime.now(UTC) - REMEMBERED).isoformat(timespec="seconds")
    numbers: set[str] = set()
    for entry in reversed(read_entries(candidate.name)):
        if entry["event"] == "promoted" and entry["at"] >= since:
            numbers.add(entry["version"])
        elif entry["event"] == "rolled_back":
            numbers.discard(entry.get("from", ""))
    numbers.discard(candidate.version)
    registered = versions.search(f"name = '{candidate.name}'") if numbers else []
    known = [
        version
        for version in registered
        if version.version in numbers and not difference(candidate.tags, version.tags)
    ]
    return min(known, key=share, default=None)
