"""Tables of the further horizons: opened only if they were made from the same data as the main table."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

from turo.data import fleet_sketch
from turo.data.tables import Tables
from turo.errors import InputError
from turo.features.fleet_part import Part
from turo.features.known_trips.trips import books_priced, slim
from turo.features.scope import scope
from turo.forecast.horizon_tables import HorizonTable, data_folder, open_folder, open_table
from turo.settings import Settings
from turo.table.names import FURTHER_HORIZON
from turo.words import counted

logger = logging.getLogger(__name__)

SAME = ("profile", "snapshot", "inputs")  # what tables of the same data agree in, beside the fleet


def open_further(settings: Settings, horizon_days: int, main: HorizonTable) -> HorizonTable:
    """The table of a further horizon.

    Raises:
        InputError: there is none of these data.
    """
    table = open_table(settings, horizon_days)
    check(table, main)
    return table


def check(table: HorizonTable, main: HorizonTable) -> None:
    """Refuse a table of other data than the main one.

    Raises:
        InputError: it is of another fleet, profile, snapshot, input or newest Monday.
    """
    odd = [name for name in SAME if table.manifest.get(name) != main.manifest.get(name)]
    one, other = fleet_sketch.of_manifest(table.manifest), fleet_sketch.of_manifest(main.manifest)
    if (one and one.id) != (other and other.id):
        odd.insert(0, "fleet")
    if table.newest_origin() != main.newest_origin():
        odd.append("newest Monday")
    if odd:
        raise InputError(
            f"The table for {counted(table.horizon_days, 'day')} in {table.folder} was made from other data "
            f"than the main one: {', '.join(odd)} differ.",
            "Run the DAG forecast_fleet, or `turo horizons`, which make it anew.",
        )


def remove_unusable(settings: Settings, main: HorizonTable) -> list[Path]:
    """Remove the further tables that are damaged or of other data; returns their folders."""
    removed = []
    for folder in sorted(data_folder(settings).glob(f"{FURTHER_HORIZON}*")):
        named = re.fullmatch(rf"{FURTHER_HORIZON}(\d+)", folder.name)
        if named is None or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            check(open_folder(folder, int(named[1])), main)
        except InputError as error:
            logger.info("%s is removed: %s", folder, error.what)
            shutil.rmtree(folder)
            removed.append(folder)
    return removed


def cannot_be_made(source: Tables, horizon_days: int) -> str:
    """Why these data have no table for a horizon, by the rule of prepare; empty where they have."""
    whole = Part(slim(source.reservations, source.revisions), source.vehicles, source.blocks)
    try:
        scope(whole, source.snapshot, horizon_days, books_priced(source.reservations))
    except InputError as error:
        return error.what
    return ""
