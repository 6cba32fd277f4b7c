"""The profile `turo_export`: one or many trip earnings exports of one host, into canonical tables."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import polars as pl

from turo.data.csv import input_files
from turo.data.csv.sheet import Sheet, open_sheet
from turo.data.export import download_names, export_date, one_file, vehicle_identity, vehicle_keys
from turo.data.export.booking_times import with_booking_times
from turo.data.export.merge import merge
from turo.data.export.some_files import SomeFiles
from turo.data.profiles import vehicles
from turo.data.read_context import ReadContext, ReadResult
from turo.data.tables import INSTANT, RESERVATIONS
from turo.words import by_number, counted

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)


def read(
    settings: Settings, sheets: list[Sheet], context: ReadContext, some: SomeFiles | None = None
) -> ReadResult:
    """Read the exports, tell the vehicles apart, merge, and bound when trips were booked.

    `vehicles.csv` is optional: vehicles are derived from the export, and the file's attributes win where
    there are any.

    Args:
        some: where these are some of the exports only; their vehicles then have the ids that all of them
            together tell, and no new ids are kept.
    """
    listed = input_files.find(settings.data_dir, settings.vehicles_file)
    opened = [*sheets, *(open_sheet(each) for each in listed[:1])]
    given = vehicles.read(opened[-1], context) if listed else None
    if given is None:
        context.warn_of_other_formats(settings.data_dir, settings.vehicles_file)
    else:
        context.zones = dict(given.select("vehicle_id", "timezone").drop_nulls().iter_rows())
    parse = one_file.read if some is None else some.read
    frames = [(sheet.source.name, parse(sheet, context)) for sheet in sheets]
    context.quarantine.check(sheets)  # on their own: a long vehicles file must not hide their errors
    context.quarantine.check(opened, also_alone=opened[len(sheets) :])
    taken = {name: export_date.taken(name, rows, settings.as_of, context) for name, rows in frames}
    turns = download_names.turns({name: snapshot.end for name, snapshot in taken.items()})
    rows = pl.concat(
        rows.with_columns(file=pl.lit(name), seen=pl.lit(taken[name].end, INSTANT), turn=pl.lit(turns[name]))
        for name, rows in frames
    )
    newest = max(taken.values(), key=lambda snapshot: snapshot.instant)
    logger.info("Snapshot of %s, by %s", newest.instant.isoformat(" "), newest.told_by)
    keys = vehicle_keys.load(settings.data_dir)
    rows = vehicle_identity.resolve(rows.sort("seen", "turn", maintain_order=True), keys, context)
    if some is not None:
        rows = some.as_in_all(rows, keys)
    merged = merge(rows, context, settings.accept_older_snapshot)
    rows = with_booking_times(merged.rows, context)
    if len({snapshot.end for snapshot in taken.values()}) == 1:
        context.warn(
            "One snapshot cannot show dates that were changed after booking: trips count as they stand now. "
            "Keep older exports beside the new one: they also prove when trips were booked."
        )
    if some is None:
        vehicle_keys.save(keys)
    vehicle_rows = _vehicle_rows(rows, given, opened[-1].source.name, context)
    absent = [
        pl.lit(None, kind).alias(name) for name, kind in RESERVATIONS.items() if name not in rows.columns
    ]
    rows = rows.with_columns(absent).select(*RESERVATIONS)
    return ReadResult(rows, vehicle_rows, newest.instant, opened, merged.revisions, merged.sightings)


def _vehicle_rows(
    rows: pl.DataFrame, given: pl.DataFrame | None, file: str, context: ReadContext
) -> pl.DataFrame:
    derived = vehicles.derive(rows)
    made = f"{counted(derived.height, 'vehicle')} {by_number(derived.height, 'is', 'are')}"
    if given is None:
        context.warn(
            f"No vehicles file: {made} derived from the export, "
            f"from {by_number(derived.height, 'its', 'their')} first trip on; "
            "the league table counts from the first booking."
        )
        return derived
    given = vehicles.aligned(given, derived["vehicle_id"], file, context)
    if not given.join(derived, on="vehicle_id", how="semi").height:
        context.warn(
            f"{file} knows none of the vehicles in the export and is left out; {made} "
            "derived from the export."
        )
        return derived
    return vehicles.with_derived(given, derived, file, context)
