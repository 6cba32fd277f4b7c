"""blocks.csv: days that an owner kept a vehicle."""

from __future__ import annotations

import polars as pl

from turo.data.csv import parse
from turo.data.csv.cells import batches, form, ids
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet
from turo.data.read_context import ReadContext
from turo.data.tables import BLOCKS
from turo.errors import InputError

BOTH = ("start", "end")
RAW, WHY = "_raw_", "_why_"  # prefixes of a column's text beside its value, and of why there is none


def read(sheet: Sheet, context: ReadContext) -> pl.DataFrame:
    """Days on which an owner kept a vehicle: vehicle_id, start, end, and created_at where known."""
    sheet.spell(BLOCKS)
    missing = [name for name in ("vehicle_id", *BOTH) if name not in sheet.keys]
    if missing:
        raise InputError(f"{sheet.source.name} has no column {', '.join(missing)}.", "Add it.")
    # a fleet may have none
    names = [name for name in BLOCKS if name in sheet.keys]
    text = pl.concat(list(batches(sheet, names, may_be_empty=True, spare=("created_at",))))
    text = text.with_columns(ids(text["vehicle_id"]))
    moments = [name for name in ("start", "end", "created_at") if name in text.columns]
    frame = text.select(LINE, "vehicle_id", pl.col(moments).name.prefix(RAW)).with_columns(
        context.moments(text[name], text["vehicle_id"], f"{sheet.source.name}: {name}").alias(name)
        for name in moments
    )
    frame = frame.with_columns(
        context.unread(text[name], frame[name], day_alone=True).alias(WHY + name) for name in BOTH
    )
    if "created_at" in moments:
        _warn_unread(sheet, text["created_at"], frame["created_at"], context)
    reasons = {f"{name} is blank": pl.col(RAW + name) == "" for name in BOTH}
    reasons |= {f"{name} {why}": pl.col(WHY + name) == why for name in BOTH for why in parse.UNREAD}
    reasons["block ends before or when it starts"] = pl.col("end") <= pl.col("start")
    met = {f"{name} {why}": RAW + name for name in BOTH for why in parse.UNREAD}
    frame = context.quarantine.split(sheet.source.name, frame, reasons, met)
    context.quarantine.add(sheet.source.name, sheet.malformed)
    absent = [pl.lit(None, kind).alias(name) for name, kind in BLOCKS.items() if name not in frame.columns]
    return frame.with_columns(absent).select(*BLOCKS)


def _warn_unread(sheet: Sheet, text: pl.Series, read: pl.Series, context: ReadContext) -> None:
    why = context.unread(text, read, day_alone=True)
    lost = text.filter(why.is_not_null())
    if lost.len():
        context.warn(
            f"{sheet.source.name}: {lost.len()} created_at cannot be read and count as unknown: the first "
            f"{why.drop_nulls()[0]} (met {form(lost[0])})."
        )
