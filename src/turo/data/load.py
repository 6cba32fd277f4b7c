"""Read a data folder into canonical tables, whatever profile its files have."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from turo.data import common_checks, earlier_run
from turo.data.csv import input_files, parse
from turo.data.csv.sheet import Sheet, open_sheet
from turo.data.export import all_files
from turo.data.export.export_date import taken
from turo.data.export.some_files import SomeFiles
from turo.data.profiles import canonical, detect, takehome, vehicles
from turo.data.read_context import ReadContext, ReadResult
from turo.data.schema import validate
from turo.data.tables import Tables
from turo.errors import ConfigError, InputError
from turo.table.names import CANONICAL, EXPORT, TAKEHOME

if TYPE_CHECKING:
    from turo.settings import Settings

__all__ = ["Tables", "load_tables"]

logger = logging.getLogger(__name__)


def load_tables(settings: Settings, some: SomeFiles | None = None) -> Tables:
    """Detect the profile of the reservations file(s), read, repair and quarantine.

    Nothing is written but the private key file of vehicles that an export names by plate only.

    Args:
        some: exports to read in the place of those that the settings name; then nothing at all is written.

    Raises:
        InputError: a missing, empty or damaged file, a missing column, contradictory rows, over 5 % of rows
            rejected, or a snapshot that does not continue that of the last run.
    """
    sheets = _opened(settings) if some is None else some.sheets()
    profile = _profile(sheets)
    logger.info("Profile %s (%s)", profile, ", ".join(sheet.source.name for sheet in sheets))
    zone_set = "timezone" in settings.model_fields_set
    context = ReadContext(_zone(settings.timezone), settings.date_order, timezone_set=zone_set)
    if profile == EXPORT:
        result = all_files.read(settings, sheets, context, some)
    else:
        result = {CANONICAL: _canonical, TAKEHOME: _takehome}[profile](settings, sheets, context)
    blocks = None
    if profile != TAKEHOME:
        blocks = common_checks.read_blocks(settings, result, context)
        common_checks.warn_overlaps(result.rows, context)
        common_checks.warn_implausible(result.rows, context)
        validate(result.rows, result.vehicles)
    tables = Tables(
        profile=profile,
        reservations=result.rows.sort("vehicle_id", "created_at" if profile == TAKEHOME else "trip_start"),
        vehicles=result.vehicles.sort("vehicle_id"),
        blocks=blocks,
        snapshot=result.snapshot,
        rejected=context.quarantine.table(),
        warnings=context.warnings,
        inputs={
            each.source.name: {"sha256": each.content.sha256, "rows": each.rows} for each in result.opened
        },
        revisions=result.revisions,
        sightings=result.sightings,
    )
    try:
        tables = earlier_run.placed(settings, tables)
    finally:
        for warning in tables.warnings:
            logger.warning("%s", warning)
    return tables


def _opened(settings: Settings) -> list[Sheet]:
    found = input_files.require(settings.data_dir, settings.reservations_file, "RESERVATIONS_FILE")
    return [open_sheet(each) for each in found]


def _zone(name: str) -> str:
    if not parse.is_zone(name):
        raise ConfigError(f"TIMEZONE={name!r} does not exist.", "Use a name such as America/New_York.")
    return name


def _profile(sheets: list[Sheet]) -> str:
    kinds = {sheet.source.name: detect.detect(sheet) for sheet in sheets}
    profile = next(iter(kinds.values()))
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
        raise InputError(
            f"The reservations files are of different kinds: {listed}.",
            "Set RESERVATIONS_FILE to files of one kind.",
        )
    if len(sheets) > 1 and profile != EXPORT:
        raise InputError(
            f"{len(sheets)} reservations files of the profile {profile}: {', '.join(kinds)}.",
            "Only trip earnings exports are merged; set RESERVATIONS_FILE to one file.",
        )
    return profile


def _canonical(settings: Settings, sheets: list[Sheet], context: ReadContext) -> ReadResult:
    opened = [*sheets, vehicles.open_required(settings)]
    vehicle_rows = vehicles.read(opened[-1], context)
    context.zones = dict(vehicle_rows.select("vehicle_id", "timezone").drop_nulls().iter_rows())
    rows = canonical.read(sheets[0], context)
    context.quarantine.check(sheets)  # on their own: a long vehicles file must not hide their errors
    context.quarantine.check(opened, also_alone=opened[len(sheets) :])
    snapshot = taken(sheets[0].source.name, rows, settings.as_of, context)
    logger.info("Snapshot of %s, by %s", snapshot.instant.isoformat(" "), snapshot.told_by)
    files = (opened[-1].source.name, sheets[0].source.name)
    return ReadResult(rows, vehicles.with_stubs(vehicle_rows, rows, files, context), snapshot.instant, opened)


def _takehome(settings: Settings, sheets: list[Sheet], context: ReadContext) -> ReadResult:
    opened = [*sheets, vehicles.open_required(settings)]
    vehicle_rows = vehicles.read(opened[-1], context)
    rows = takehome.read(sheets[0], context)
    context.quarantine.check(sheets)  # on their own: a long vehicles file must not hide their errors
    context.quarantine.check(opened, also_alone=opened[len(sheets) :])
    latest = rows["created_at"].max()
    snapshot = latest if isinstance(latest, datetime) else takehome.TIMELESS
    return ReadResult(rows, takehome.complete(opened[-1], vehicle_rows, rows, context), snapshot, opened)
