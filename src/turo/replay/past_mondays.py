"""The Mondays to replay, and the host's files as they were known on each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from turo.data.csv import input_files
from turo.data.export.export_date import named_day
from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.replay.known_then import as_known, on_the_day
from turo.settings import Settings
from turo.table.names import EXPORT

WEEK = timedelta(weeks=1)
# How it is known what was known: by the dates in the file, by an export of that day, by one taken later.
BY_DATES, BY_EXPORT, BY_LATER_EXPORT = "dates", "export of the day", "later export"


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


def past_mondays(settings: Settings, tables: Tables, days: list[date]) -> Iterator[PastMonday]:
    """Each Monday with what was known then, one at a time.

    Exports are read as far as the first one taken on the Monday or later: an older one does not know what is
    booked on it. Taken on the day itself it is what the host had; a later one is cut at the Monday.

    Args:
        tables: all files, as they are read now.
    """
    if tables.profile != EXPORT:
        for day in days:
            yield PastMonday(day, as_known(tables, day), BY_DATES)
        return
    taken = _taken(settings, tables)
    read, names = tables, list(taken)
    for day in days:
        until = min(of for of in taken.values() if of >= day)
        wanted = [name for name, of in taken.items() if of <= until]
        if wanted != names:
            read, names = _read(settings, wanted), wanted
        if until == day:
            yield PastMonday(day, on_the_day(read, day), BY_EXPORT)
        else:
            yield PastMonday(day, as_known(read, day), BY_LATER_EXPORT)


def _taken(settings: Settings, tables: Tables) -> dict[str, date]:
    """The day of each export; one whose name does not tell it counts as the newest."""
    found = input_files.require(settings.data_dir, settings.reservations_file, "RESERVATIONS_FILE")
    newest = tables.snapshot.date()
    return {source.name: min(named_day(source.name) or newest, newest) for source in found}


def _read(settings: Settings, names: list[str]) -> Tables:
    """Some of the exports; what is to be said of the files was said when all were read."""
    some = {"reservations_file": ",".join(names), "accept_older_snapshot": True}
    with _quiet(logging.getLogger("turo.data")):
        return load_tables(settings.model_copy(update=some))


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
