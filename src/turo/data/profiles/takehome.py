"""The take-home profile: `vehicle_id` with `created_at` or `reservation_type`, and an attribute file."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from turo.data.csv import parse
from turo.data.csv.cells import LOST_DIGITS, batches, ids, lossy
from turo.data.csv.sheet import Sheet
from turo.data.read_context import ReadContext, few
from turo.data.respelt_ids import align, refuse_unrelated
from turo.data.tables import ATTRIBUTES, INSTANT
from turo.errors import InputError
from turo.words import by_number, counted

# The form without dates knows no time at all, and nothing is computed as of an instant under this profile.
TIMELESS = datetime(1970, 1, 1)
RAW, WHY = "_raw_created_at", "_why_created_at"
NO_INSTANT = f"created_at {parse.NO_INSTANT}"
FEWER_DIGITS = f"vehicle_id {LOST_DIGITS}"


def read(sheet: Sheet, context: ReadContext) -> pl.DataFrame:
    """Reservations: vehicle_id (String), created_at (wall clock; null in the form without dates)."""
    wanted = [name for name in ("vehicle_id", "created_at", "reservation_type") if name in sheet.keys]
    dated = "created_at" in wanted
    frames = []
    for batch in batches(sheet, wanted):
        where = f"{sheet.source.name}: created_at"
        created = context.moments(batch["created_at"], where=where) if dated else pl.lit(None, INSTANT)
        rows = batch.with_columns(created.alias("created_at"), ids(batch["vehicle_id"]))
        reasons = {"vehicle_id is blank": pl.col("vehicle_id") == "", FEWER_DIGITS: lossy("vehicle_id")}
        met = {FEWER_DIGITS: "vehicle_id"}
        if dated:
            why = context.unread(batch["created_at"], rows["created_at"], day_alone=True)
            rows = rows.with_columns(batch["created_at"].alias(RAW), why.alias(WHY))
            reasons |= {f"created_at {each}": pl.col(WHY) == each for each in parse.UNREAD}
            reasons[NO_INSTANT] = pl.col("created_at").is_null()
            met |= {f"created_at {each}": RAW for each in parse.UNREAD}
        accepted = context.quarantine.split(sheet.source.name, rows, reasons, met)
        frames.append(accepted.select("vehicle_id", "created_at"))
    context.quarantine.add(sheet.source.name, sheet.malformed)
    return pl.concat(frames)


def complete(
    sheet: Sheet, vehicles: pl.DataFrame, reservations: pl.DataFrame, context: ReadContext
) -> pl.DataFrame:
    """Vehicles with all attributes (null where the file lacks one), and rows for those that only
    reservations name.

    Raises:
        InputError: the file has none of the attributes, or none of the vehicles.
    """
    absent = [name for name in ATTRIBUTES if name not in vehicles.columns]
    if len(absent) == len(ATTRIBUTES):
        raise InputError(
            f"{sheet.source.name} has none of the attributes {', '.join(ATTRIBUTES)}; "
            f"found {', '.join(sheet.columns)}.",
            "Set VEHICLES_FILE to the attribute file of the take-home data.",
        )
    if absent:
        context.warn(f"{sheet.source.name}: attributes not in the file: {', '.join(absent)}.")
    vehicles = align(vehicles, reservations["vehicle_id"], sheet.source.name, context)
    refuse_unrelated(vehicles, reservations["vehicle_id"], sheet.source.name, "the reservations file")
    known = vehicles.with_columns(pl.lit(None, ATTRIBUTES[name]).alias(name) for name in absent)
    unknown = (
        reservations.join(known, on="vehicle_id", how="anti").select("vehicle_id").unique().sort("vehicle_id")
    )
    if unknown.height:
        context.warn(
            f"{counted(unknown.height, 'vehicle')} {by_number(unknown.height, 'is', 'are')} in the "
            f"reservations but not in {sheet.source.name}: {by_number(unknown.height, 'its', 'their')} "
            f"attributes are unknown ({few(unknown['vehicle_id'])})."
        )
    return pl.concat([known, unknown], how="diagonal")
