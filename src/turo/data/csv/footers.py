"""Lines of a file that are no reservations: totals, headings of a quarter, notes, a header again.

They are set aside like rows that cannot be used, but do not count as such (see `quarantine`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

TOTALS = "a totals line, no reservation"
NOTE = "a note, no reservation"
AGAIN = "the header again, no reservation"
REASONS = frozenset({TOTALS, NOTE, AGAIN})

IDS = ("reservation id", "reservation_id")
DATES = (("trip start", "trip end"), ("trip_start", "trip_end"))
VEHICLE = "vehicle_id"
VEHICLE_COLUMNS = ("vehicle", "vehicle name", "vehicle id", "vehicle_id", "vin")
STATUSES = ("trip status", "status")
SUMMED = re.compile(  # an Audi Q3 is no quarter
    r"(?i)^\W*((grand|running|overall|fleet|year|monthly|quarterly)\W*)?(sub\W?)?(totals?|sums?)\b"
    r"|^\W*(average|avg|mean|count|summary)\W*$"
    r"|^\W*(q[1-4]|[1-4]q)\W*((20)?\d{2})?\W*$|^\W*20\d{2}\W*(q[1-4]|[1-4]q)\W*$"
    r"|\bquarter\b|\b(sub)?totals?\W*$"
)
COUNTED = (  # in the place of a vehicle's id
    r"(?i)^\W*((grand|overall|fleet)\W*)?(sub\W?)?(totals?|sums?)\W*\d*\W*$"
    r"|^\W*(average|avg|mean|count|summary)\W*$"
)
UNDATED = "(?i)^(trip.*)?$"  # blank, or the name of the column
NOTED = re.compile(r"(?i)^\W*(exported|generated|created|downloaded|printed|report|source|note|as of)\b")
WORD = re.compile(r"[^\W\d_]{2}")
AMOUNT = re.compile(r"\$|\d[.,]\d")
NUMBER = re.compile(r"^\d[\d.,]*$")
TURO_DIGITS = 7  # a Reservation ID has as many or more; a count of rows has fewer


def split(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """The rows that may be reservations, and (line, reason) of those that are none.

    Args:
        frame: `line` and trimmed text columns, "" where empty, under the names of a profile.
    """
    dates = _dates(frame.columns)
    if dates:
        doubtful = frame.filter(pl.all_horizontal(pl.col(name).str.contains(UNDATED) for name in dates))
    elif VEHICLE in frame.columns:
        doubtful = frame.filter(pl.col(VEHICLE).str.contains(rf"^$|{COUNTED}"))
    else:
        return frame, []
    cells = doubtful.drop("line").iter_rows(named=True)
    reasons = [(line, reason(row)) for line, row in zip(doubtful["line"], cells, strict=True)]
    found = [(line, why) for line, why in reasons if why]
    if not found:
        return frame, []
    return frame.filter(~pl.col("line").is_in([line for line, _ in found])), found


def reason(cells: Mapping[str, str]) -> str | None:
    """Why a line is no reservation, or None where it may be one.

    Only a line without any date of a trip is none, and only if its ID is no number, or nothing else
    of a reservation is there.

    Args:
        cells: column (lower case) → trimmed text; a short line lacks the last columns.
    """
    dates = _dates(cells)
    if dates and all(" ".join(cells[name].casefold().split()) == name for name in dates):
        return AGAIN
    filled = {name: cell for name, cell in cells.items() if cell}
    if VEHICLE in cells and not any(name in cells for name in (*IDS, *dates)):
        return _of_vehicles(filled)
    return None if any(name in filled for pair in DATES for name in pair) else _undated(filled)


def _undated(filled: Mapping[str, str]) -> str | None:
    number = next((filled[name] for name in IDS if name in filled), "")
    is_number = bool(NUMBER.match(number))
    if not is_number and any(SUMMED.search(cell) for cell in filled.values()):
        return TOTALS
    if not filled or (len(filled) == 1 and WORD.search(next(iter(filled.values())))):
        return NOTE  # it may stand in a column that is not read
    if any(name in filled for name in (*VEHICLE_COLUMNS, *STATUSES)):
        return None
    short = not is_number or len(re.sub(r"\D", "", number)) < TURO_DIGITS
    summed = any(AMOUNT.search(cell) for name, cell in filled.items() if name not in IDS)
    return TOTALS if short and summed else None


def _of_vehicles(filled: Mapping[str, str]) -> str | None:
    """The same of a table of vehicles or of their days: only what stands for the id can tell."""
    if VEHICLE in filled:
        return TOTALS if re.match(COUNTED, filled[VEHICLE]) else None
    summed = any(re.match(COUNTED, cell) for cell in filled.values())
    return TOTALS if summed or (filled and all(map(NUMBER.match, filled.values()))) else None


def is_worded(cells: Mapping[str, str]) -> bool:
    """Does the line say itself that it is a total or a note? A reservation that was cut off does not."""
    return reason(cells) is not None and any(
        SUMMED.search(cell) or NOTED.search(cell) for cell in cells.values()
    )


def _dates(names: object) -> tuple[str, ...]:
    present = frozenset(names)  # type: ignore[call-overload]
    return next((pair for pair in DATES if present.issuperset(pair)), ())
