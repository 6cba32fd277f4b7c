"""costs.csv: what vehicles cost to buy and to keep. Optional; what is wrong in it is told, not guessed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from turo.data.csv import input_files, parse
from turo.data.csv.cells import batches, form, ids
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet, open_sheet
from turo.errors import InputError
from turo.table.names import COSTS, VEHICLE_KEYS

FILE = COSTS
AMOUNTS = ("purchase_price", "monthly_cost", "cost_per_distance")
DATE = "purchase_date"
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "vehicle_id": pl.String,
    "purchase_price": pl.Float64,
    "purchase_date": pl.Date,
    "monthly_cost": pl.Float64,
    "cost_per_distance": pl.Float64,
}
MOST = 10  # sentences of one file


@dataclass(frozen=True)
class Costs:
    """`rows`: `COLUMNS`, one a vehicle, null where unknown. `problems`: sentences on what was left out.

    `found`: whether there is a file, usable or not.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COLUMNS))
    problems: tuple[str, ...] = ()
    found: bool = True


def read_costs(location: str, known: Collection[str], today: date) -> Costs:
    """Read the file if it is there.

    A line of an unknown vehicle, or one of two of the same vehicle, is left out; a cell that cannot be is
    unknown. Nothing is raised for what the file holds: the report goes on without it and says so.

    Args:
        location: the data folder.
        known: vehicle ids of the fleet.
        today: no purchase can be later.
    """
    try:
        found = input_files.find(location, FILE)
        if not found:
            return Costs(found=False)
        keys = (
            " vehicle_keys.csv says which id a plate has." if input_files.find(location, VEHICLE_KEYS) else ""
        )
        return _read(open_sheet(found[0]), known, today, f"Ids are those of the vehicles' pages.{keys}")
    except InputError as error:
        return Costs(problems=(f"{error} Until then nothing is told of costs.",))


def _read(sheet: Sheet, known: Collection[str], today: date, ids_are: str) -> Costs:
    sheet.spell(COLUMNS)
    if "vehicle_id" not in sheet.keys:
        raise InputError(
            f"{FILE} has no column vehicle_id.", "Add it, with the ids that the reservations use."
        )
    names = [name for name in COLUMNS if name in sheet.keys]
    text = pl.concat(list(batches(sheet, names, may_be_empty=True, spare=names[1:])))
    problems = [f"{FILE} line {line}: {reason}; the line is left out." for line, reason in sheet.malformed]
    unknown = [name for name in sheet.keys if name and name not in COLUMNS]
    if unknown:
        problems.append(f"{FILE}: unknown columns are left out: {', '.join(unknown)}.")
    text = text.with_columns(ids(text["vehicle_id"]))
    columns: dict[str, pl.Series] = {"vehicle_id": text["vehicle_id"]}
    for name in names[1:]:
        columns[name], told = _date(text, today) if name == DATE else _amount(text, name)
        problems += told
    absent = [pl.lit(None, kind).alias(name) for name, kind in COLUMNS.items() if name not in columns]
    rows = pl.DataFrame({LINE: text[LINE], **columns}).with_columns(absent)
    stray = rows.filter(~pl.col("vehicle_id").is_in(list(known)))
    problems += [
        f"{FILE} line {line}: no vehicle of this fleet has the vehicle_id {_shown(vehicle)}; the line is "
        f"left out. {ids_are}"
        for line, vehicle in stray.select(LINE, "vehicle_id").rows()
    ]
    rows = rows.join(stray, on=LINE, how="anti")
    double = rows.filter(pl.col("vehicle_id").is_duplicated())
    problems += [
        f"{FILE} has several lines of vehicle {_shown(vehicle)}; none of them is used. Keep one."
        for vehicle in double["vehicle_id"].unique(maintain_order=True)
    ]
    rows = rows.join(double, on=LINE, how="anti")
    more = len(problems) - MOST
    if more > 0:
        problems = [*problems[:MOST], f"{FILE}: and {more} more of this kind."]
    return Costs(rows.select(*COLUMNS), tuple(problems))


def _amount(text: pl.DataFrame, name: str) -> tuple[pl.Series, list[str]]:
    cells = text[name]
    values = parse.amounts(cells)
    unread = text.filter(values.is_null() & (cells != ""))
    negative = text.filter((values < 0).fill_null(False))
    told = [_told(line, name, f"is no plain amount ({form(cell)})") for line, cell in _cells(unread, name)]
    told += [_told(line, name, f"is negative ({cell})") for line, cell in _cells(negative, name)]
    return values.set((values < 0).fill_null(False), None), told


def _date(text: pl.DataFrame, today: date) -> tuple[pl.Series, list[str]]:
    cells = text[DATE]
    values = parse.days(cells)
    unread = text.filter(values.is_null() & (cells != ""))
    later = (values > today).fill_null(False)
    told = [
        _told(line, DATE, f"is no date such as {today} ({form(cell)})") for line, cell in _cells(unread, DATE)
    ]
    told += [
        _told(line, DATE, f"lies after {today} ({cell})") for line, cell in _cells(text.filter(later), DATE)
    ]
    return values.set(later, None), told


def _cells(rows: pl.DataFrame, name: str) -> list[tuple[int, str]]:
    return rows.select(LINE, name).rows()


def _told(line: int, name: str, what: str) -> str:
    return f"{FILE} line {line}: {name} {what}; it counts as unknown."


def _shown(vehicle: str) -> str:
    return repr(vehicle[:30]) if vehicle else "that is blank"
