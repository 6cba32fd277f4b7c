"""What the profiles have in common once their rows are read: blocks, overlaps, implausible prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.csv import input_files
from turo.data.csv.sheet import open_sheet
from turo.data.profiles import blocks as owner_blocks
from turo.data.read_context import ReadContext, ReadResult, few
from turo.data.respelt_ids import align
from turo.words import by_number, counted

if TYPE_CHECKING:
    from turo.settings import Settings

DAILY = (1.0, 1500.0)  # base price a day between which the median of a fleet lies


def read_blocks(settings: Settings, result: ReadResult, context: ReadContext) -> pl.DataFrame | None:
    """The optional blocks file; blocks of unknown vehicles are left out with a warning."""
    found = input_files.find(settings.data_dir, settings.blocks_file)
    if not found:
        context.warn_of_other_formats(settings.data_dir, settings.blocks_file)
        return None
    result.opened.append(open_sheet(found[0]))
    blocks = owner_blocks.read(result.opened[-1], context)
    context.quarantine.check(result.opened, also_alone=result.opened[-1:])
    blocks = blocks.with_columns(pl.col("vehicle_id").replace(context.joined))
    blocks = align(blocks, result.vehicles["vehicle_id"], found[0].name, context)
    unknown = blocks.join(result.vehicles, on="vehicle_id", how="anti")["vehicle_id"]
    if unknown.len() and unknown.len() == blocks.height:
        # Not which they are: the report repeats it, and must hold no vehicle of another fleet.
        context.warn(
            f"{found[0].name} knows none of the vehicles of the reservations and seems to belong to another "
            "fleet: left out. Remove it, or bring your own."
        )
    elif unknown.len():
        context.warn(
            f"{found[0].name}: {unknown.len()} blocks of unknown vehicles left out ({few(unknown)})."
        )
    return blocks.join(result.vehicles, on="vehicle_id", how="semi")


def warn_overlaps(rows: pl.DataFrame, context: ReadContext) -> None:
    """Warn of trips of one vehicle that overlap; they are kept, their time is counted once."""
    taken = rows.filter(~cancelled()).sort("vehicle_id", "trip_start")
    busy = pl.col("trip_end").cum_max().shift(1)
    last = (pl.col("trip_end") > busy.fill_null(pl.col("trip_end").min() - pl.duration(days=1))).over(
        "vehicle_id"
    )
    before = pl.when(last).then("reservation_id").forward_fill().shift(1).over("vehicle_id")
    overlapping = taken.filter((pl.col("trip_start") < busy.over("vehicle_id")).fill_null(False))
    overlapping = taken.with_columns(before=before).join(overlapping, on="reservation_id", how="semi")
    if count := overlapping.height:
        pairs = overlapping.select(pl.format("{} and {}", "before", "reservation_id")).to_series()
        context.warn(
            f"{counted(count, 'trip')} {by_number(count, 'starts', 'start')} before an earlier trip of "
            f"the same vehicle has ended ({few(pairs)}); both are kept, the common time counts once."
        )


def warn_implausible(rows: pl.DataFrame, context: ReadContext) -> None:
    """Warn of prices that no host asks, from a tool that counts in cents perhaps; nothing is changed."""
    taken = rows.filter(~cancelled(), pl.col("trip_price").is_not_null())
    days = (pl.col("trip_end") - pl.col("trip_start")) / pl.duration(days=1)
    base = pl.col("trip_price") + pl.col("discounts").fill_null(0)
    median = taken.select((base / days).median()).item()
    if median is not None and not DAILY[0] <= median <= DAILY[1]:
        context.warn(
            f"The base price is implausible: its median is {median:,.2f} a day. Amounts must be "
            "whole units of your money, not cents or thousands; they are left as they are."
        )
