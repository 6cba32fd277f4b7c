"""The state of earlier runs: within a fleet no snapshot may be older, and exports must continue the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from turo.data import fleet_sketch
from turo.data.csv import input_files
from turo.data.export.continuity import contradictions
from turo.data.identify_fleet import identify
from turo.data.tables import RESERVATIONS, Tables
from turo.errors import InputError
from turo.table import reader
from turo.table.names import EXPORT, FLEETS, REMEMBERED

if TYPE_CHECKING:
    from turo.settings import Settings

COMPARED = ("reservation_id", "status", "trip_end")
REMEDY = "Bring the newest file, or set ACCEPT_OLDER_SNAPSHOT=true."


def to_remember(tables: Tables) -> pl.DataFrame:
    """What the next run needs of this one's export; no rows under the profiles that are edited by hand."""
    if tables.profile == EXPORT:
        return tables.reservations.select(COMPARED)
    return pl.DataFrame(schema={name: RESERVATIONS[name] for name in COMPARED})


def placed(settings: Settings, tables: Tables) -> Tables:
    """The tables with the fleet they are of, and all fleets this data folder has seen, this one last.

    Raises:
        InputError: they are of an earlier day than the newest of this fleet, or lack or undo what its last
            export said, and `ACCEPT_OLDER_SNAPSHOT` is not set.
    """
    known = fleet_sketch.read_known(_content(settings.data_dir, FLEETS))
    fleet, before = identify(tables, known)
    last = fleet_sketch.of_manifest(reader.known_manifest(settings.data_dir))
    if before is not None and not settings.accept_older_snapshot:
        _refuse_step_back(tables, before)
        if last is not None and last.id == fleet.id:
            _refuse_contradictions(settings, tables, before)
    warnings = list(tables.warnings)
    if last is not None and last.id != fleet.id:
        warnings.append(
            f"Another fleet than the last run's: {fleet.label}; before it was {last.label}. Models of that "
            "fleet do not forecast for this one."
        )
    others = [seen for seen in known if seen.id != fleet.id]
    return replace(tables, fleet=fleet, known_fleets=(*others, fleet), warnings=warnings)


def _refuse_step_back(tables: Tables, before: fleet_sketch.Identity) -> None:
    last = datetime.fromisoformat(before.snapshot)
    if tables.snapshot.date() < last.date():
        raise InputError(
            f"The reservations are a snapshot of {tables.snapshot:%Y-%m-%d}, older than the last one used of "
            f"this fleet, of {last:%Y-%m-%d}: newer bookings would be lost.",
            REMEDY,
        )


def _refuse_contradictions(settings: Settings, tables: Tables, before: fleet_sketch.Identity) -> None:
    if tables.profile == EXPORT and (wrong := contradictions(_remembered(settings), tables.reservations)):
        raise InputError(
            f"The export of {tables.snapshot:%Y-%m-%d} does not continue the last one used, of "
            f"{datetime.fromisoformat(before.snapshot):%Y-%m-%d}: " + "; ".join(wrong) + ".",
            REMEDY,
        )


def _remembered(settings: Settings) -> pl.DataFrame:
    """The last export's rows; none where the file is absent (a run of an older version) or damaged."""
    content = _content(settings.data_dir, REMEMBERED)
    schema = {name: RESERVATIONS[name] for name in COMPARED}
    try:
        return pl.read_parquet(content).select(COMPARED).cast(schema)  # type: ignore[arg-type]
    except (pl.exceptions.PolarsError, OSError):
        return pl.DataFrame(schema=schema)


def _content(location: str, name: str) -> bytes:
    found = input_files.find(location, name)
    if not found:
        return b""
    with found[0].filesystem.open_input_stream(found[0].path) as stream:
        return bytes(stream.read())
