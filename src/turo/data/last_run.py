"""What the run before is known by: its snapshot must not be newer, and an export must continue its export."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from turo.data import source
from turo.data.continuity import contradictions
from turo.data.profiles import EXPORT
from turo.data.tables import RESERVATIONS, Tables
from turo.errors import InputError

if TYPE_CHECKING:
    from turo.settings import Settings

MANIFEST, REMEMBERED = "manifest.json", "last_export.parquet"  # both are outputs of prepare
COMPARED = ("reservation_id", "status", "trip_end")
REMEDY = "Bring the newest file, or set ACCEPT_OLDER_SNAPSHOT=true."


def to_remember(tables: Tables) -> pl.DataFrame:
    """What the next run needs of this one's export; no rows under the profiles that are edited by hand."""
    if tables.profile == EXPORT:
        return tables.reservations.select(COMPARED)
    return pl.DataFrame(schema={name: RESERVATIONS[name] for name in COMPARED})


def refuse_step_back(settings: Settings, tables: Tables) -> None:
    """Compare with the snapshot that the manifest of the previous run names.

    Raises:
        InputError: this one is of an earlier day, or lacks or undoes what that export said, and
            `ACCEPT_OLDER_SNAPSHOT` is not set.
    """
    previous = _manifest(settings.data_dir)
    if settings.accept_older_snapshot or previous.get("profile") != tables.profile:
        return
    try:
        last = datetime.fromisoformat(str(previous.get("snapshot")))
    except ValueError:
        return
    if tables.snapshot.date() < last.date():
        raise InputError(
            f"The reservations are a snapshot of {tables.snapshot:%Y-%m-%d}, older than the last one used, "
            f"of {last:%Y-%m-%d}: newer bookings would be lost.",
            REMEDY,
        )
    if tables.profile == EXPORT and (wrong := contradictions(_remembered(settings), tables.reservations)):
        raise InputError(
            f"The export of {tables.snapshot:%Y-%m-%d} does not continue the last one used, of "
            f"{last:%Y-%m-%d}: " + "; ".join(wrong) + ".",
            REMEDY,
        )


def _manifest(location: str) -> dict[str, Any]:
    content = _content(location, MANIFEST)
    try:
        manifest = json.loads(content)
    except ValueError:
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _remembered(settings: Settings) -> pl.DataFrame:
    """The last export's rows; none where the file is absent (a run of an older version) or damaged."""
    content = _content(settings.data_dir, REMEMBERED)
    schema = {name: RESERVATIONS[name] for name in COMPARED}
    try:
        return pl.read_parquet(content).select(COMPARED).cast(schema)  # type: ignore[arg-type]
    except (pl.exceptions.PolarsError, OSError):
        return pl.DataFrame(schema=schema)


def _content(location: str, name: str) -> bytes:
    found = source.find(location, name)
    if not found:
        return b""
    with found[0].filesystem.open_input_stream(found[0].path) as stream:
        return bytes(stream.read())
