"""The canonical profile: reservations as the generator writes them and the export is normalised to."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from turo.data.canonical_statuses import SPELLED, SPELLINGS, STATUSES, cancelled, refuse_unknown
from turo.data.csv import parse
from turo.data.csv.cells import LOST_DIGITS, batches, ids, lossy
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet
from turo.data.read_context import ReadContext, few
from turo.data.tables import BOOKED_SOURCES, EXACT, RESERVATIONS, UNDATED
from turo.errors import InputError
from turo.words import by_number, counted

INSTANTS = ("trip_start", "trip_end", "booked_at", "cancelled_at")
MONEY = ("trip_price", "discounts", "fees", "total_earnings")
DISTANCE = "distance"
DIAGNOSTIC = ("odometer_out", "odometer_in")
SPARE = ("cancelled_at", "booked_at_source", DISTANCE, *DIAGNOSTIC)  # left out where blank
KNOWN = frozenset({*RESERVATIONS, *DIAGNOSTIC})
MAX_TRIP_DAYS = 400
YEARS = (2009, 2100)
CENT = 0.0105  # a cent, and the noise of binary fractions
RAW, WHY = "_raw_", "_why_"  # prefixes of a column's text beside its value, and of why there is none
IDS = ("reservation_id", "vehicle_id")
NO_AMOUNT = "is no plain amount"
MET = {  # the cell that a reason is about
    **{f"{name} {LOST_DIGITS}": name for name in IDS},
    **{f"{name} {why}": RAW + name for name in INSTANTS for why in parse.UNREAD},
    **{f"{name} {NO_AMOUNT}": RAW + name for name in MONEY},
}
SPELLED_HERE = {
    key.replace(" ", "_"): status
    for key, status in SPELLINGS.items()
    if key.replace(" ", "_") not in STATUSES
}
ODDITIES = {
    "_odd_status": SPELLED,
    "_odd_discounts": "have discounts above 0, which raise the price; amounts taken off it are negative",
    "_odd_sum": "have total_earnings that is not trip_price + discounts + fees; only the base is used",
    "_odd_cancelled": "carry a cancelled_at that does not fit their status or booked_at; it is ignored",
    "_odd_distance": "have a distance that is negative or no plain number; it counts as unknown",
    "_odd_odometer": "have a negative or decreasing odometer; odometers are not used",
}


def read(sheet: Sheet, context: ReadContext) -> pl.DataFrame:
    """Read one canonical file into the columns of `tables.RESERVATIONS`, in file order."""
    sheet.spell(KNOWN)
    extra = [name for name in sheet.keys if name and name not in KNOWN]
    if extra:
        context.warn(f"{sheet.source.name}: unknown columns left out: {', '.join(extra)}.")
    wanted = [name for name in sheet.keys if name in KNOWN]
    frames = []
    for batch in batches(sheet, wanted, spare=SPARE):
        typed = _typed(batch, sheet.source.name, context)
        accepted = context.quarantine.split(sheet.source.name, typed, reasons(wanted), MET)
        unknown = accepted.filter(~pl.col("status").is_in(STATUSES))
        refuse_unknown(sheet.source.name, "status", unknown, STATUSES)
        frames.append(_tidy(accepted))
    context.quarantine.add(sheet.source.name, sheet.malformed)
    rows = pl.concat(frames, rechunk=False)
    for name, what in ODDITIES.items():
        if count := rows[name].sum():
            context.warn(f"{sheet.source.name}: {count} row(s) {what}.")
    return drop_duplicates(sheet.source.name, rows.select(LINE, *RESERVATIONS), context).drop(LINE)


def reasons(columns: list[str]) -> dict[str, pl.Expr]:
    """Why a row is rejected, reason → condition, over the frame of `_typed`."""
    start, end = pl.col("trip_start"), pl.col("trip_end")
    found: dict[str, pl.Expr] = {
        "reservation_id is blank": pl.col("reservation_id") == "",
        "vehicle_id is blank": pl.col("vehicle_id") == "",
        "trip_start is blank": pl.col(RAW + "trip_start") == "",
        "trip_end is blank": pl.col(RAW + "trip_end") == "",
    }
    found |= {f"{name} {LOST_DIGITS}": lossy(name) for name in IDS}
    for name in (name for name in INSTANTS if name in columns):
        found |= {f"{name} {why}": pl.col(WHY + name) == why for why in parse.UNREAD}
    for name in (name for name in MONEY if name in columns):
        found[f"{name} {NO_AMOUNT}"] = pl.col(name).is_null() & (pl.col(RAW + name) != "")
    found |= trip_reasons(start, end)
    if "booked_at" in columns:
        found[f"booked_at is before {YEARS[0]}"] = pl.col("booked_at").dt.year() < YEARS[0]
        found["booked_at is after trip_end"] = pl.col("booked_at") > end
    return found


def trip_reasons(start: pl.Expr, end: pl.Expr) -> dict[str, pl.Expr]:
    """Rejections every profile shares: impossible trips."""
    return {
        f"year is outside {YEARS[0]}-{YEARS[1]}": ~start.dt.year().is_between(*YEARS)
        | ~end.dt.year().is_between(*YEARS),
        "trip ends before or when it starts": end <= start,
        f"trip is longer than {MAX_TRIP_DAYS} days": (end - start) > pl.duration(days=MAX_TRIP_DAYS),
    }


def drop_duplicates(file: str, rows: pl.DataFrame, context: ReadContext) -> pl.DataFrame:
    """Drop identical repetitions of a reservation_id; different ones have no order, so they are an error.

    Nothing stops for a distance: of rows that differ in it alone the last one that is known counts.

    Args:
        rows: `LINE`, which plays no part in the comparison, `DISTANCE`, and the content.
    """
    if rows["reservation_id"].n_unique() == rows.height:
        return rows
    compared = [name for name in rows.columns if name not in {LINE, DISTANCE}]
    distances = pl.col(DISTANCE)
    unique = rows.group_by(compared, maintain_order=True).agg(
        pl.col(LINE).first(), distances.drop_nulls().last(), distances.n_unique().alias("told"), pl.len()
    )
    double = unique.filter(pl.col("reservation_id").is_duplicated())
    if double.height:
        ids = double["reservation_id"]
        lines = double.filter(ids == ids[0])[LINE].head(2)
        raise InputError(
            f"{file}: {ids.n_unique()} Reservation IDs occur more than once with different content "
            f"({few(ids)}); which row is newer cannot be told. See lines {lines[0]} and {lines[1]}.",
            "Keep one row each, or give the exports as separate files.",
        )
    other = unique.filter(pl.col("told") > 1)["reservation_id"]
    if other.len():
        context.warn(
            f"{file}: {counted(other.len(), 'reservation')} {by_number(other.len(), 'is', 'are')} repeated "
            f"with another distance; the last one that is known counts ({few(other)})."
        )
    if count := unique.filter(pl.col("told") == 1).select((pl.col("len") - 1).sum()).item():
        context.warn(f"{file}: {count} identical repeated row(s) were dropped.")
    return unique.select(rows.columns)


def _typed(batch: pl.DataFrame, file: str, context: ReadContext) -> pl.DataFrame:
    raw = {RAW + name: batch[name] for name in (*INSTANTS, *MONEY) if name in batch.columns}
    values = {name: ids(batch[name]) for name in IDS}
    values |= {name: parse.amounts(batch[name]) for name in MONEY if name in batch.columns}
    for name in (name for name in INSTANTS if name in batch.columns):
        values[name] = read = context.instants(batch[name], values["vehicle_id"], f"{file}: {name}")
        values[WHY + name] = context.unread(batch[name], read)
    if DISTANCE in batch.columns:
        raw[RAW + DISTANCE] = batch[DISTANCE]
        values[DISTANCE] = parse.numbers(batch[DISTANCE])
    absent = {name: kind for name, kind in RESERVATIONS.items() if name not in batch.columns}
    status = batch["status"].str.to_lowercase().str.replace_all(r"[\s_-]+", "_")
    return batch.with_columns(
        *(series.alias(name) for name, series in (raw | values).items()),
        *(pl.lit(None, kind).alias(name) for name, kind in absent.items()),
        status.replace(SPELLED_HERE).alias("status"),
        (status.is_in(list(SPELLED_HERE))).alias("_odd_status"),
    )


def _tidy(rows: pl.DataFrame) -> pl.DataFrame:
    base = pl.col("trip_price") + pl.col("discounts").fill_null(0) + pl.col("fees").fill_null(0)
    fits = pl.col("cancelled_at").is_null() | (
        cancelled() & (pl.col("cancelled_at") >= pl.col("booked_at").fill_null(datetime(YEARS[0], 1, 1)))
    )
    out, back = (
        pl.col(name).cast(pl.Float64, strict=False) if name in rows.columns else pl.lit(None, pl.Float64)
        for name in ("odometer_out", "odometer_in")
    )
    told = pl.col(RAW + DISTANCE) != "" if RAW + DISTANCE in rows.columns else pl.lit(value=False)
    distance = pl.when(pl.col(DISTANCE) >= 0).then(pl.col(DISTANCE))
    source = pl.when(pl.col("booked_at").is_null()).then(pl.lit(UNDATED))
    return rows.with_columns(
        (~cancelled() & ((pl.col("total_earnings") - base).abs() > CENT)).fill_null(False).alias("_odd_sum"),
        (~fits).alias("_odd_cancelled"),
        (pl.col("discounts") > 0).fill_null(False).alias("_odd_discounts"),
        (told & distance.is_null()).alias("_odd_distance"),
        ((out < 0) | (back < out)).fill_null(False).alias("_odd_odometer"),
        cancelled_at=pl.when(fits).then(pl.col("cancelled_at")),
        # Turo's exports show cancelled trips with the price 0: there 0 means unknown
        trip_price=pl.when(~cancelled() | (pl.col("trip_price") != 0)).then(pl.col("trip_price")),
        booked_at_source=source.when(pl.col("booked_at_source").is_in(BOOKED_SOURCES))
        .then(pl.col("booked_at_source"))
        .otherwise(pl.lit(EXACT)),
        distance=distance,
    ).select(LINE, *RESERVATIONS, pl.col("^_odd_.*$"))
