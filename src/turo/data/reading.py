"""What the readers of one run share: how to read values, where to set rows aside, what to tell the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from turo.data import parse
from turo.data.quarantine import Quarantine
from turo.data.sheet import Sheet
from turo.data.tables import INSTANT, REVISIONS, empty

SHOWN = 5  # IDs named in a warning


@dataclass
class Reading:
    """Context of one run. Warnings are sentences for people: counts and IDs, never a personal field."""

    timezone: str
    date_order: str = ""
    zones: Mapping[str, str] = field(default_factory=dict)  # vehicle_id -> time zone, where known
    quarantine: Quarantine = field(default_factory=Quarantine)
    warnings: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Add a sentence to the run's report."""
        self.warnings.append(sentence)

    def instants(self, text: pl.Series, vehicles: pl.Series | None = None) -> pl.Series:
        """Wall-clock instants, each by the rules of its vehicle's time zone (see `parse.instants`)."""
        zones = set(self.zones.values()) | {self.timezone}
        if len(zones) == 1 or vehicles is None:
            return parse.instants(text, self.timezone, self.date_order)
        zone = vehicles.replace_strict(dict(self.zones), default=self.timezone, return_dtype=pl.String)
        result = pl.Series(text.name, [None] * len(text), dtype=INSTANT)
        for each in zone.unique():
            mine = (zone == each).arg_true()
            result = result.scatter(mine, parse.instants(text.gather(mine), each, self.date_order))
        return result

    def moments(self, text: pl.Series, vehicles: pl.Series | None = None) -> pl.Series:
        """Like `instants`, for columns that people fill by hand: a date alone is its midnight."""
        return self.instants(text, vehicles).fill_null(self.days(text).cast(INSTANT))

    def days(self, text: pl.Series) -> pl.Series:
        """Dates (see `parse.days`)."""
        return parse.days(text, self.timezone, self.date_order)


@dataclass
class Found:
    """What a profile has read: canonical rows and cars, the instant of the snapshot, the files opened."""

    rows: pl.DataFrame
    cars: pl.DataFrame
    snapshot: datetime
    opened: list[Sheet]
    revisions: pl.DataFrame = field(default_factory=lambda: empty(REVISIONS))


def few(ids: pl.Series, shown: int = SHOWN) -> str:
    """The first few of a list of IDs, for a warning."""
    listed = ids.unique().sort()
    more = f" and {listed.len() - shown} more" if listed.len() > shown else ""
    return ", ".join(listed.head(shown)) + more
