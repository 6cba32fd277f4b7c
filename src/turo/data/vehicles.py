"""vehicles.csv and blocks.csv: absent columns become nulls, cars that only reservations name get a stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from turo.data import parse, source, vehicle_names
from turo.data.reading import Reading, few
from turo.data.rows import batches
from turo.data.sheet import Sheet, open_sheet
from turo.data.tables import ATTRIBUTES, BLOCKS, VEHICLES, empty
from turo.errors import InputError

if TYPE_CHECKING:
    from turo.settings import Settings

DATES = ("listed_from", "listed_to", "valid_from")
PERSONAL = frozenset({"vin", "plate", "license plate", "license_plate", "owner", "host", "guest", "address"})


def read(sheet: Sheet, reading: Reading) -> pl.DataFrame:
    """Vehicles with the columns of `tables.VEHICLES` and those of `tables.ATTRIBUTES` that the file has."""
    known = {**VEHICLES, **ATTRIBUTES}
    if "vehicle_id" not in sheet.keys:
        raise InputError(
            f"{sheet.source.name} has no column vehicle_id; found {', '.join(sheet.columns)}.",
            "Add it: one row a vehicle, with the id that the reservations use.",
        )
    extra = [name for name in sheet.keys if name and name not in known and name not in PERSONAL]
    if extra:
        reading.warn(f"{sheet.source.name}: unknown columns left out: {', '.join(extra)}.")
    names = [name for name in sheet.keys if name in known]
    text = pl.concat(list(batches(sheet, names, spare=set(names) - {"vehicle_id"})))
    columns, wrong = {}, {}
    for name in names:
        if known[name] == pl.String:
            columns[name] = text[name].set(text[name] == "", None)
            continue
        if name in DATES:
            values = reading.days(text[name])
        else:
            values = parse.plain_numbers(text[name].str.strip_prefix("$")).cast(known[name])
        columns[name] = values
        wrong[f"{name} is no {'date' if name in DATES else 'plain number'}"] = values.is_null() & (
            text[name] != ""
        )
    columns["vehicle_id"] = text["vehicle_id"]
    frame = text.select("line").with_columns(*(s.alias(n) for n, s in columns.items()))
    reasons = {"vehicle_id is blank": pl.col("vehicle_id") == ""}
    frame = frame.with_columns(s.alias(f"_wrong_{i}") for i, s in enumerate(wrong.values()))
    reasons |= {reason: pl.col(f"_wrong_{i}") for i, reason in enumerate(wrong)}
    frame = reading.quarantine.split(sheet.source.name, frame, reasons).select(names)
    reading.quarantine.add(sheet.source.name, sheet.malformed)
    unique = _one_line_a_day(frame.unique(maintain_order=True), sheet)
    absent = [pl.lit(None, kind).alias(name) for name, kind in VEHICLES.items() if name not in names]
    attributes = [name for name in ATTRIBUTES if name in names]
    return _known_zones(sheet, unique.with_columns(absent)).select(*VEHICLES, *attributes)


def open_required(settings: Settings) -> Sheet:
    """The vehicles file, which this profile cannot do without."""
    return open_sheet(source.require(settings.data_dir, settings.vehicles_file, "VEHICLES_FILE")[0])


def derive(rows: pl.DataFrame) -> pl.DataFrame:
    """Cars as the rows of an export show them: make, model, year and state of the newest, first trip.

    Args:
        rows: vehicle_id, vehicle_name, state, trip_start; the newest snapshot last.
    """
    newest = (
        rows.with_columns(pl.col("vehicle_name").replace("", None))
        .group_by("vehicle_id")
        .agg(
            pl.col("vehicle_name", "state").drop_nulls().last(),
            listed_from=pl.col("trip_start").min().dt.date(),
        )
    )
    cars = newest.with_columns(
        **vehicle_names.parts(pl.col("vehicle_name")), vehicle_name=pl.lit(None, pl.String)
    )
    return pl.concat([empty(VEHICLES), cars], how="diagonal").sort("vehicle_id")


def with_derived(given: pl.DataFrame, derived: pl.DataFrame, file: str, reading: Reading) -> pl.DataFrame:
    """The file's cars, gaps filled from the export, and the cars that only the export knows."""
    filled = given.join(derived, on="vehicle_id", how="left", suffix="_derived").with_columns(
        pl.coalesce(name, f"{name}_derived").alias(name) for name in VEHICLES if name != "vehicle_id"
    )
    missing = derived.join(given, on="vehicle_id", how="anti")
    if missing.height:
        reading.warn(
            f"{missing.height} cars of the export are not in {file}: derived from the export "
            f"({few(missing['vehicle_id'])})."
        )
    return pl.concat([filled.select(given.columns), missing], how="diagonal")


def with_stubs(vehicles: pl.DataFrame, reservations: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Add a row for every vehicle that only the reservations name; it is listed from its first trip."""
    missing = reservations.join(vehicles, on="vehicle_id", how="anti")
    if not missing.height:
        return vehicles
    stubs = (
        missing.group_by("vehicle_id")
        .agg(listed_from=pl.col("trip_start").min().dt.date())
        .sort("vehicle_id")
    )
    reading.warn(
        f"{stubs.height} vehicles are in the reservations but not in the vehicles file: listed from their "
        f"first trip, attributes unknown ({few(stubs['vehicle_id'])})."
    )
    return pl.concat([vehicles, stubs], how="diagonal")


def read_blocks(sheet: Sheet, reading: Reading) -> pl.DataFrame:
    """Days an owner kept a car for himself: vehicle_id, start, end, and created_at where known."""
    missing = [name for name in ("vehicle_id", "start", "end") if name not in sheet.keys]
    if missing:
        raise InputError(f"{sheet.source.name} has no column {', '.join(missing)}.", "Add it.")
    # a fleet may have none
    names = [name for name in BLOCKS if name in sheet.keys]
    text = pl.concat(list(batches(sheet, names, may_be_empty=True, spare=("created_at",))))
    frame = text.with_columns(
        reading.moments(text[name], text["vehicle_id"]).alias(name)
        for name in ("start", "end", "created_at")
        if name in text.columns
    )
    reasons = {
        "start or end is no known date and time": pl.col("start").is_null() | pl.col("end").is_null(),
        "block ends before or when it starts": pl.col("end") <= pl.col("start"),
    }
    frame = reading.quarantine.split(sheet.source.name, frame, reasons)
    reading.quarantine.add(sheet.source.name, sheet.malformed)
    absent = [pl.lit(None, kind).alias(name) for name, kind in BLOCKS.items() if name not in frame.columns]
    return frame.with_columns(absent).select(*BLOCKS)


def _one_line_a_day(cars: pl.DataFrame, sheet: Sheet) -> pl.DataFrame:
    """A car has one line, or several that `valid_from` dates."""
    dated = "valid_from" in cars.columns
    same = pl.struct("vehicle_id", "valid_from") if dated else pl.col("vehicle_id")
    double = cars.filter(same.is_duplicated())["vehicle_id"]
    if double.len():
        raise InputError(
            f"{sheet.source.name}: {double.n_unique()} vehicles have several different rows ({few(double)}).",
            "Keep one row a vehicle, or say in valid_from since when each holds.",
        )
    return cars


def _known_zones(sheet: Sheet, vehicles: pl.DataFrame) -> pl.DataFrame:
    unknown = {name for name in vehicles["timezone"].drop_nulls().unique() if not parse.is_zone(name)}
    if unknown:
        raise InputError(
            f"{sheet.source.name}: unknown timezone {', '.join(sorted(unknown))}.",
            "Use names such as America/New_York.",
        )
    return vehicles
