"""Which of several exports of one day is newer: by a time in their names, or the browser's numbering."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from turo.data.export.export_date import NAME_DATE

# What follows the day in a name: …_20261025T1530, …_2026-10-25 15.30.59; …_20261025 (1) or …_20261025-1.
TIME = r"(?P<time>(?:\s?at\s|[T_ .-]|\s-\s)(?:[01]\d|2[0-3])[:.h-]?[0-5]\d(?:[:.-]?[0-5]\d)?(?!\d))?"
NUMBER = r"(?P<number>\s?\(\d{1,3}\)|-\d{1,2})?"
REST = re.compile(rf"(?i)^{TIME}(?P<other>.*?){NUMBER}$")
REMEDY = (
    "Put the time of each download into its name (…_YYYYMMDDThhmm.csv), or name only the newer one in "
    "RESERVATIONS_FILE."
)


class Name(NamedTuple):
    """The parts of a file name that tell when it was downloaded, and all the rest of it."""

    base: str
    time: str  # digits hhmm or hhmmss, "" = none
    number: int  # how many of the name there were before, as browsers count


def turns(days: Mapping[str, Hashable]) -> dict[str, int]:
    """File → its place among the exports of its day; the same place where no order can be told.

    Args:
        days: file → the day it was exported on.
    """
    same_day: dict[Hashable, list[str]] = defaultdict(list)
    for file, day in days.items():
        same_day[day].append(file)
    return {file: turn for files in same_day.values() for file, turn in _ordered(files).items()}


def parts(file: str) -> Name:
    """Take a file name apart."""
    stem = re.sub(r"\.[A-Za-z]+$", "", file)
    dates = list(NAME_DATE.finditer(stem))
    start = dates[-1].end() if dates else 0
    rest = REST.match(stem[start:])
    if rest is None:  # a line break in a name
        return Name(stem, "", 0)
    time = re.sub(r"\D", "", rest["time"] or "") if dates else ""
    other = rest["other"] if dates else (rest["time"] or "") + rest["other"]
    number = re.sub(r"\D", "", rest["number"] or "")
    return Name((stem[:start] + other).casefold(), time.ljust(6, "0") if time else "", int(number or 0))


def _ordered(files: list[str]) -> dict[str, int]:
    names = {file: parts(file) for file in files}
    timed = all(name.time for name in names.values())
    alike = len({(name.base, name.time) for name in names.values()}) == 1
    if not timed and not alike:
        return dict.fromkeys(files, 0)
    places = sorted({(name.time, name.number) for name in names.values()})
    return {file: places.index((name.time, name.number)) for file, name in names.items()}
