"""What the readers of one run share (time zones, order of dates, quarantine, warnings) and return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from turo.data.csv import input_files, parse
from turo.data.csv.cells import form
from turo.data.csv.sheet import Sheet
from turo.data.loose_id_keys import by_loose_key, loose
from turo.data.quarantine import Quarantine
from turo.data.tables import INSTANT, REVISIONS, SIGHTINGS, empty
from turo.errors import InputError

SHOWN = 5  # IDs named in a warning


@dataclass
class ReadContext:
    """Context of one run. Warnings are sentences for people: counts and IDs, never a personal field."""

    timezone: str
    date_order: str = ""
    timezone_set: bool = True  # whether the user has chosen `timezone`
    zones: Mapping[str, str] = field(default_factory=dict)  # vehicle_id -> time zone, where known
    quarantine: Quarantine = field(default_factory=Quarantine)
    warnings: list[str] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=dict)  # vehicle ids that the user has joined to another

    def warn(self, sentence: str) -> None:
        """Add a sentence to the run's report."""
        self.warnings.append(sentence)

    def warn_of_other_formats(self, location: str, name: str) -> None:
        """Say so where an optional file is absent, but lies there as a workbook, say."""
        if others := input_files.of_other_formats(location, name):
            self.warn(
                f"{', '.join(others)} is no CSV and left out: save it as CSV in UTF-8 under the name {name}."
            )

    def instants(self, text: pl.Series, vehicles: pl.Series | None = None, where: str = "") -> pl.Series:
        """Wall-clock instants, each by the rules of its vehicle's time zone (see `parse.instants`).

        Args:
            where: what errors call the column.

        Raises:
            InputError: a time with an offset of a vehicle whose time zone is not known.
        """
        zone = self._zones(text, vehicles)
        if not self.timezone_set:
            self._refuse_moving(text, zone, where or text.name)
        result = pl.Series(text.name, [None] * len(text), dtype=INSTANT)
        for each in zone.unique():
            name = each or self.timezone
            mine = zone.is_null() if each is None else (zone == each).fill_null(False)
            if mine.all():
                return parse.instants(text, name, self.date_order)
            result = result.scatter(mine.arg_true(), parse.instants(text.filter(mine), name, self.date_order))
        return result

    def moments(self, text: pl.Series, vehicles: pl.Series | None = None, where: str = "") -> pl.Series:
        """Like `instants`, for columns that people fill by hand: a date alone is its midnight."""
        return self.instants(text, vehicles, where).fill_null(self.days(text).cast(INSTANT))

    def days(self, text: pl.Series) -> pl.Series:
        """Dates, as they are written (see `parse.days`)."""
        return parse.days(text, self.date_order)

    def unread(self, text: pl.Series, read: pl.Series, day_alone: bool = False) -> pl.Series:
        """Why cells are no instants (see `parse.unread`)."""
        return parse.unread(text, read, self.date_order, day_alone)

    def _zones(self, text: pl.Series, vehicles: pl.Series | None) -> pl.Series:
        """The time zone that vehicles.csv has for each row; null where it has none."""
        if vehicles is None or not self.zones:
            return pl.Series([None] * len(text), dtype=pl.String)
        known = {**by_loose_key(self.zones), **self.zones}
        names = {each: known.get(each, known.get(loose(each))) for each in vehicles.unique()}
        return vehicles.replace_strict(names, default=None, return_dtype=pl.String)

    def _refuse_moving(self, text: pl.Series, zone: pl.Series, where: str) -> None:
        lost = zone.is_null() & parse.has_offset(text)
        if lost.any():
            raise InputError(
                f"{where} holds times with an offset from UTC ({form(text.filter(lost)[0])}), and where "
                "those vehicles are is not known: TIMEZONE is not set, and vehicles.csv has no timezone "
                "for them.",
                "Set TIMEZONE to a name such as America/Chicago, or give each vehicle its own in the "
                "column timezone of vehicles.csv.",
            )


@dataclass
class ReadResult:
    """What the reader of a profile returns: canonical rows and vehicles, the snapshot, the files opened."""

    rows: pl.DataFrame
    vehicles: pl.DataFrame
    snapshot: datetime
    opened: list[Sheet]
    revisions: pl.DataFrame = field(default_factory=lambda: empty(REVISIONS))
    sightings: pl.DataFrame = field(default_factory=lambda: empty(SIGHTINGS))


def few(ids: pl.Series, shown: int = SHOWN) -> str:
    """The first few of a list of IDs, for a warning."""
    listed = ids.unique().sort()
    more = f" and {listed.len() - shown} more" if listed.len() > shown else ""
    return ", ".join(listed.head(shown)) + more
