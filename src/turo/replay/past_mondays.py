"""The Mondays to replay, and the host's files as they were known on each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from turo.data.csv import input_files
from turo.data.csv.input_files import Source
from turo.data.export.export_date import named_day
from turo.data.export.some_files import SomeFiles
from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.replay.known_then import as_known, on_the_day
from turo.settings import Settings
from turo.table.names import EXPORT

WEEK = timedelta(weeks=1)
# How it is known what was known: by the dates in the file, by an export of that day, by one taken later.
BY_DATES, BY_EXPORT, BY_LATER_EXPORT = "dates", "export of the day", "later export"
KEPT = 2  # reads of some of the exports: trainings are a few Mondays ahead of the forecasts


@dataclass(frozen=True)
class PastMonday:
    """A Monday, 00:00, with the tables as they were known then; `known_by` says how that can be told."""

    day: date
    tables: Tables
    known_by: str


def mondays(since: date, last: date) -> list[date]:
    """Every Monday from `since` to `last`."""
    first = since + timedelta(days=-since.weekday() % 7)
    return [first + number * WEEK for number in range((last - first) // WEEK + 1)] if last >= first else []


@dataclass
class PastMondays:
    """Past Mondays with what was known then, made when they are asked for.

    Exports are read as far as the first one taken on the Monday or later: an older one does not know what is
    booked on it. Taken on the day itself it is what the host had; a later one is cut at the Monday.

    Attributes:
        tables: all files, as they are read now.
    """

    settings: Settings
    tables: Tables
    _taken: list[tuple[Source, date]] = field(init=False)
    _files: SomeFiles = field(init=False)
    _reads: dict[date, Tables] = field(default_factory=dict)

    def __post_init__(self) -> None:
        exports = self.tables.profile == EXPORT
        self._taken = _taken(self.settings, self.tables) if exports else []
        told = self.tables.reservations.select("reservation_id", "vehicle_id").iter_rows()
        ids = dict(told) if exports else {}
        self._files = SomeFiles([source for source, _ in self._taken], ids)

    def at(self, day: date) -> PastMonday:
        """One of them."""
        if self.tables.profile != EXPORT:
            return PastMonday(day, as_known(self.tables, day), BY_DATES)
        until = min(of for _, of in self._taken if of >= day)
        read = self._read(until)
        if until == day:
            return PastMonday(day, on_the_day(read, day), BY_EXPORT)
        return PastMonday(day, as_known(read, day), BY_LATER_EXPORT)

    def _read(self, until: date) -> Tables:
        """The exports up to a day; what is to be said of the files was said when all were read."""
        if until == max(of for _, of in self._taken):
            return self.tables
        if until not in self._reads:
            while len(self._reads) >= KEPT:
                self._reads.pop(next(iter(self._reads)))
            some = self._files.of([source for source, of in self._taken if of <= until])
            asked = self.settings.model_copy(update={"accept_older_snapshot": True})
            with _quiet(logging.getLogger("turo.data")):
                self._reads[until] = load_tables(asked, some)
        return self._reads[until]


def _taken(settings: Settings, tables: Tables) -> list[tuple[Source, date]]:
    """The day of each export; one whose name does not tell it counts as the newest."""
    found = input_files.require(settings.data_dir, settings.reservations_file, "RESERVATIONS_FILE")
    newest = tables.snapshot.date()
    return [(source, min(named_day(source.name) or newest, newest)) for source in found]


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
