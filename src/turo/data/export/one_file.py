"""One trip earnings export, unchanged as Turo gives it, into typed rows. Guests and places are never read.

Amounts are the host's share after Turo's cut. Total earnings is the sum of the components, so fees must
not be taken from it again; base revenue is trip price, boost and discounts.
"""

from __future__ import annotations

import logging

import polars as pl

from turo.data.canonical_statuses import SPELLED, refuse_unknown
from turo.data.csv import parse
from turo.data.csv.cells import LOST_DIGITS, batches, lossy
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet
from turo.data.export import columns as col
from turo.data.export.status_words import CANONICAL_STATUS
from turo.data.export.typed_cells import BAD, TEXT, WHY, typed
from turo.data.profiles.canonical import DISTANCE, drop_duplicates, trip_reasons
from turo.data.read_context import ReadContext
from turo.errors import InputError

logger = logging.getLogger(__name__)

STATUS = "Trip status"
SUM_LIMIT = 0.05  # share of rows whose total may differ from the sum where an unknown column holds money
ODD = {
    "_odd_sum": "have a Total earnings that is not the sum of its components; only their base is used",
    "_odd_days": "have Trip days that are not hours over 24, rounded up; recomputed from the timestamps",
    "_odd_odometer": "have a negative or decreasing odometer or distance; these are not used",
    "_odd_distance": "have a Distance traveled that is no plain number; it counts as unknown",
    "_odd_status": SPELLED,
}
NO_NUMBER = {col.ID: "Reservation ID is blank or no number", col.VEHICLE_ID: "Vehicle id is no number"}
FEWER_DIGITS = {key: why.split(" is ")[0] + f" {LOST_DIGITS}" for key, why in NO_NUMBER.items()}
NO_AMOUNT = "{} is no amount in US dollars"
KEPT = (
    LINE,
    "reservation_id",
    "vehicle_id",
    "vin",
    "plate",
    "state",
    "vehicle_name",
    "trip_start",
    "trip_end",
)
AMOUNTS = ("trip_price", "discounts", "fees", "total_earnings")


def read(sheet: Sheet, context: ReadContext) -> pl.DataFrame:
    """Rows of one export in file order: columns `KEPT`, status, dollars and distance (null = unknown).

    Raises:
        InputError: unknown statuses, a Reservation ID twice with different content, or money in an unknown
            column that the total does not explain.
    """
    name = sheet.source.name
    _announce(sheet, context)
    extra = [key for key in sheet.keys if key and key not in col.USED and key not in col.PERSONAL]
    wanted = [key for key in sheet.keys if key in col.USED]
    carries_money: set[str] = set()
    frames, unknown = [], []
    for batch in batches(sheet, [*wanted, *extra], spare=extra):
        carries_money |= {key for key in extra if batch[key].str.contains("$", literal=True).any()}
        read_cells = typed(batch.select(*wanted, LINE), name, context)
        rows = context.quarantine.split(name, read_cells, _reasons(wanted), _met())
        unknown.append(
            rows.filter(pl.col("status").is_null()).select(LINE, pl.col(TEXT + col.STATUS).alias(STATUS))
        )
        frames.append(rows.select(*KEPT, "status", *AMOUNTS, DISTANCE, *ODD))
    context.quarantine.add(name, sheet.malformed)
    refuse_unknown(name, STATUS, pl.concat(unknown), map(str.capitalize, CANONICAL_STATUS))
    rows = pl.concat(frames)
    _report(name, rows, extra, carries_money, context)
    return drop_duplicates(name, rows.drop(*ODD), context)


def _announce(sheet: Sheet, context: ReadContext) -> None:
    keys, name = set(sheet.keys), sheet.source.name
    identity = [key for key in col.IDENTITY if key in keys]
    logger.info("%s: trip earnings export with %d columns", name, len(sheet.keys))
    if not identity and col.VEHICLE in keys:
        context.warn(
            f"{name} has no Vehicle id and no VIN (an export of 44 columns): vehicles are keyed by plate."
        )
    absent = [key for key in (*col.PRICE[:1], col.TOTAL) if key not in keys]
    if absent:
        context.warn(f"{name} has no column {', '.join(absent)}: those amounts are unknown.")


def _reasons(wanted: list[str]) -> dict[str, pl.Expr]:
    nameless = (pl.col("vehicle_id") == "") & (pl.col("vin") == "") & pl.col("plate").is_null()
    if not {*col.IDENTITY, col.VEHICLE} & set(wanted):
        nameless = pl.col("vehicle_name") == ""
    reasons = {
        FEWER_DIGITS[col.ID]: lossy("reservation_id"),
        NO_NUMBER[col.ID]: ~pl.col("reservation_id").str.contains(r"^[0-9]{1,18}$"),
        FEWER_DIGITS[col.VEHICLE_ID]: lossy("vehicle_id"),
        NO_NUMBER[col.VEHICLE_ID]: ~pl.col("vehicle_id").str.contains(r"^[0-9]*$"),
        "no Vehicle id, VIN or plate, such as (TX #ABC1234) at the end of Vehicle": nameless,
    }
    for key in (col.START, col.END):
        reasons[f"{key.capitalize()} is blank"] = pl.col(TEXT + key) == ""
        for why in parse.UNREAD:
            reasons[f"{key.capitalize()} {why}"] = pl.col(WHY + key) == why
    reasons |= trip_reasons(pl.col("trip_start"), pl.col("trip_end"))
    for key in col.MONEY:
        if key in wanted:
            reasons[NO_AMOUNT.format(key.capitalize())] = pl.col(BAD + key)
    return reasons


def _met() -> dict[str, str]:
    """The cell that each reason is about, as the working column that holds its text."""
    met = {told[key]: TEXT + key for told in (FEWER_DIGITS, NO_NUMBER) for key in told}
    met |= {f"{key.capitalize()} {why}": TEXT + key for key in (col.START, col.END) for why in parse.UNREAD}
    return met | {NO_AMOUNT.format(key.capitalize()): TEXT + key for key in col.MONEY}


def _report(name: str, rows: pl.DataFrame, extra: list[str], money: set[str], context: ReadContext) -> None:
    for key, what in ODD.items():
        if count := rows[key].sum():
            context.warn(f"{name}: {count} row(s) {what}.")
    if extra:
        context.warn(f"{name}: unknown columns left out: {', '.join(extra)}.")
    wrong = int(rows["_odd_sum"].sum())
    if money and wrong > SUM_LIMIT * rows.height:
        raise InputError(
            f"{name}: the unknown column {', '.join(sorted(money))} holds money, and the Total earnings of "
            f"{wrong} of {rows.height} rows are not the sum of the known components.",
            "Turo seems to have added a column; report it, or remove it if it is yours.",
        )
    if money:
        context.warn(
            f"{name}: the unknown column {', '.join(sorted(money))} holds money that is not counted."
        )
