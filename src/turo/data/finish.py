"""What the profiles have in common once their rows are read: blocks, overlaps, the run before."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from turo.data import source, vehicles
from turo.data.reading import Found, Reading, few
from turo.data.sheet import open_sheet
from turo.data.tables import Tables
from turo.errors import InputError

if TYPE_CHECKING:
    from turo.settings import Settings

MANIFEST = "manifest.json"  # of the previous run, beside the data


def read_blocks(settings: Settings, made: Found, reading: Reading) -> pl.DataFrame | None:
    """The optional blocks file; blocks of unknown cars are left out with a warning."""
    found = source.find(settings.data_dir, settings.blocks_file)
    if not found:
        return None
    made.opened.append(open_sheet(found[0]))
    blocks = vehicles.read_blocks(made.opened[-1], reading)
    reading.quarantine.check(made.opened)
    unknown = blocks.join(made.cars, on="vehicle_id", how="anti")["vehicle_id"]
    if unknown.len():
        reading.warn(
            f"{found[0].name}: {unknown.len()} blocks of unknown vehicles left out ({few(unknown)})."
        )
    return blocks.join(made.cars, on="vehicle_id", how="semi")


def warn_overlaps(rows: pl.DataFrame, reading: Reading) -> None:
    """Trips of one car that overlap are kept; their time is counted once."""
    taken = rows.filter(~pl.col("status").str.ends_with("cancellation")).sort("vehicle_id", "trip_start")
    busy = pl.col("trip_end").cum_max().shift(1).over("vehicle_id")
    overlapping = taken.filter(pl.col("trip_start") < busy)["reservation_id"]
    if overlapping.len():
        reading.warn(
            f"{overlapping.len()} trips start before the car's trip before them ends ({few(overlapping)}); "
            "both are kept, the common time counts once."
        )


def refuse_older(settings: Settings, tables: Tables) -> None:
    """Compare with the snapshot that the manifest of the previous run names.

    Raises:
        InputError: this one is of an earlier day, and `ACCEPT_OLDER_SNAPSHOT` is not set.
    """
    previous = _previous(settings.data_dir)
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
            "Bring the newest file, or set ACCEPT_OLDER_SNAPSHOT=true.",
        )


def _previous(location: str) -> dict[str, object]:
    found = source.find(location, MANIFEST)
    if not found:
        return {}
    with found[0].filesystem.open_input_stream(found[0].path) as stream:
        try:
            manifest = json.loads(stream.read())
        except ValueError:
            return {}
    return manifest if isinstance(manifest, dict) else {}
