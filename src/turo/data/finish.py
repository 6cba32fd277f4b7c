"""What the profiles have in common once their rows are read: blocks, overlaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from turo.data import source, vehicles
from turo.data.reading import Found, Reading, few
from turo.data.sheet import open_sheet

if TYPE_CHECKING:
    from turo.settings import Settings


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
