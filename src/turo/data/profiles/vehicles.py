"""The vehicles file: absent columns become nulls, vehicles that only reservations name get a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from turo.data.csv import input_files, parse
from turo.data.csv.cells import LOST_DIGITS, MISSING, batches, ids, lossy
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet, open_sheet
from turo.data.profiles import vehicle_names
from turo.data.read_context import ReadContext, few
from turo.data.respelt_ids import align, refuse_unrelated
from turo.data.tables import ATTRIBUTES, VEHICLES, empty
from turo.errors import InputError
from turo.words import by_number, counted

if TYPE_CHECKING:
    from turo.settings import Settings

RAW = "_raw_"  # prefix of a column's text beside its values
YEARS, NO_YEAR = (1900, 2100), "is no year of four digits"
DATES = ("listed_from", "listed_to", "valid_from")
PERSONAL = frozenset({"vin", "plate", "license plate", "license_plate", "owner", "host", "guest", "address"})


def read(sheet: Sheet, context: ReadContext) -> pl.DataFrame:
    """Vehicles with the columns of `tables.VEHICLES` and those of `tables.ATTRIBUTES` that the file has."""
    known = {**VEHICLES, **ATTRIBUTES}
    sheet.spell(known)
    if "vehicle_id" not in sheet.keys:
        found = [name for name in sheet.keys if name in known or name in PERSONAL]
        raise InputError(
            f"{sheet.source.name} has no column vehicle_id in line {sheet.header_line}; known columns there: "
            f"{', '.join(found) or 'none'}.",
            "Add it: one row a vehicle, with the id that the reservations use.",
        )
    extra = [name for name in sheet.keys if name and name not in known and name not in PERSONAL]
    if extra:
        context.warn(f"{sheet.source.name}: unknown columns left out: {', '.join(extra)}.")
    names = [name for name in sheet.keys if name in known]
    text = pl.concat(list(batches(sheet, names, spare=set(names) - {"vehicle_id"})))
    columns = {"vehicle_id": ids(text["vehicle_id"])}
    wrong: dict[str, tuple[str, pl.Series]] = {}  # reason -> column, and where it holds
    for name in (name for name in names if name != "vehicle_id"):
        columns[name], why = _column(text[name], known[name], context)
        wrong |= {f"{name} {each}": (name, why == each) for each in why.drop_nulls().unique()}
    frame = text.select(LINE, pl.col(names).name.prefix(RAW)).with_columns(
        *(values.alias(name) for name, values in columns.items()),
        *(lost.alias(f"_wrong_{i}") for i, (_, lost) in enumerate(wrong.values())),
    )
    lost_digits = f"vehicle_id {LOST_DIGITS}"
    reasons = {"vehicle_id is blank": pl.col("vehicle_id") == "", lost_digits: lossy("vehicle_id")}
    reasons |= {reason: pl.col(f"_wrong_{i}") for i, reason in enumerate(wrong)}
    met = {lost_digits: RAW + "vehicle_id", **{reason: RAW + name for reason, (name, _) in wrong.items()}}
    frame = context.quarantine.split(sheet.source.name, frame, reasons, met).select(names)
    context.quarantine.add(sheet.source.name, sheet.malformed)
    unique = _one_line_a_day(frame.unique(maintain_order=True), sheet)
    absent = [pl.lit(None, kind).alias(name) for name, kind in VEHICLES.items() if name not in names]
    attributes = [name for name in ATTRIBUTES if name in names]
    return _known_zones(sheet, unique.with_columns(absent)).select(*VEHICLES, *attributes)


def _column(
    text: pl.Series, kind: pl.DataType | type[pl.DataType], context: ReadContext
) -> tuple[pl.Series, pl.Series]:
    """Values of a column, and why a cell has none though it is not blank."""
    if kind == pl.String:
        unknown = text.str.to_lowercase().is_in(["", *MISSING])
        return text.set(unknown, None), pl.Series([None] * len(text), dtype=pl.String)
    if text.name in DATES:
        values = context.days(text)
        return values, context.unread(text, values, day_alone=True).replace(parse.NO_INSTANT, "is no date")
    if text.name.endswith("price"):
        values, what = parse.amounts(text), "is no plain amount"
    else:
        values, what = parse.plain_numbers(text).cast(kind), "is no plain number"
    lost = values.is_null() & (text != "")
    strange = ~values.is_between(*YEARS) if text.name == "year" else pl.lit(False)
    return values, pl.select(pl.when(lost).then(pl.lit(what)).when(strange).then(pl.lit(NO_YEAR))).to_series()


def open_required(settings: Settings) -> Sheet:
    """The vehicles file, which this profile cannot do without."""
    return open_sheet(input_files.require(settings.data_dir, settings.vehicles_file, "VEHICLES_FILE")[0])


def derive(rows: pl.DataFrame) -> pl.DataFrame:
    """Vehicles as the rows of an export show them: make, model, year and state of the newest, first trip.

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
    derived = newest.with_columns(
        **vehicle_names.parts(pl.col("vehicle_name")), vehicle_name=pl.lit(None, pl.String)
    )
    return pl.concat([empty(VEHICLES), derived], how="diagonal").sort("vehicle_id")


def with_derived(given: pl.DataFrame, derived: pl.DataFrame, file: str, context: ReadContext) -> pl.DataFrame:
    """The file's vehicles, gaps filled from the export, and the vehicles that only the export knows."""
    filled = given.join(derived, on="vehicle_id", how="left", suffix="_derived").with_columns(
        pl.coalesce(name, f"{name}_derived").alias(name) for name in VEHICLES if name != "vehicle_id"
    )
    missing = derived.join(given, on="vehicle_id", how="anti")
    if missing.height:
        context.warn(
            f"{counted(missing.height, 'vehicle')} of the export {by_number(missing.height, 'is', 'are')} "
            f"not in {file}: derived from the export "
            f"({few(missing['vehicle_id'])})."
        )
    return pl.concat([filled.select(given.columns), missing], how="diagonal")


def aligned(given: pl.DataFrame, ids: pl.Series, file: str, context: ReadContext) -> pl.DataFrame:
    """The file's vehicles under the ids that the reservations use, without those joined to another."""
    target = pl.col("vehicle_id").replace(context.joined)
    ours = align(given, ids, file, context)
    known = ours["vehicle_id"].unique().implode()
    return ours.filter((target == pl.col("vehicle_id")) | ~target.is_in(known)).with_columns(target)


def with_stubs(
    given: pl.DataFrame, reservations: pl.DataFrame, files: tuple[str, str], context: ReadContext
) -> pl.DataFrame:
    """The vehicles of the file, and a row for every other one that the reservations name.

    Such a vehicle is listed from its first trip.

    Args:
        files: names of the vehicles file and of the reservations file.

    Raises:
        InputError: the file knows none of the vehicles in the reservations.
    """
    vehicles = aligned(given, reservations["vehicle_id"], files[0], context)
    refuse_unrelated(vehicles, reservations["vehicle_id"], *files)
    missing = reservations.join(vehicles, on="vehicle_id", how="anti")
    if not missing.height:
        return vehicles
    stubs = (
        missing.group_by("vehicle_id")
        .agg(listed_from=pl.col("trip_start").min().dt.date())
        .sort("vehicle_id")
    )
    context.warn(
        f"{counted(stubs.height, 'vehicle')} {by_number(stubs.height, 'is', 'are')} in the reservations but "
        f"not in the vehicles file: listed from {by_number(stubs.height, 'its', 'their')} first trip, "
        f"attributes unknown ({few(stubs['vehicle_id'])})."
    )
    return pl.concat([vehicles, stubs], how="diagonal")


def _one_line_a_day(lines: pl.DataFrame, sheet: Sheet) -> pl.DataFrame:
    """A vehicle has one line, or several that `valid_from` dates."""
    dated = "valid_from" in lines.columns
    same = pl.struct("vehicle_id", "valid_from") if dated else pl.col("vehicle_id")
    double = lines.filter(same.is_duplicated())["vehicle_id"]
    if double.len():
        count = double.n_unique()
        raise InputError(
            f"{sheet.source.name}: {counted(count, 'vehicle')} {by_number(count, 'has', 'have')} several "
            f"different rows ({few(double)}).",
            "Keep one row a vehicle, or say in valid_from since when each holds.",
        )
    return lines


def _known_zones(sheet: Sheet, vehicles: pl.DataFrame) -> pl.DataFrame:
    unknown = {name for name in vehicles["timezone"].drop_nulls().unique() if not parse.is_zone(name)}
    if unknown:
        raise InputError(
            f"{sheet.source.name}: unknown timezone {', '.join(sorted(unknown))}.",
            "Use names such as America/New_York.",
        )
    return vehicles
