"""One trip earnings export, unchanged as Turo gives it, into typed rows. Guests and places are never read.

Amounts are the host's share after Turo's cut. Total earnings is the sum of the components, so fees must
not be taken from it again; base revenue is trip price, boost and discounts.
"""

from __future__ import annotations

import logging

import polars as pl

from turo.data import export_columns as col
from turo.data import parse
from turo.data.canonical import drop_duplicates, trip_reasons
from turo.data.export_cells import BAD, TEXT, typed
from turo.data.reading import Reading
from turo.data.rows import LINE, batches
from turo.data.sheet import Sheet
from turo.data.statuses import SPELLED, refuse_unknown
from turo.errors import InputError

logger = logging.getLogger(__name__)

STATUS = "Trip status"
SUM_LIMIT = 0.05  # share of rows whose total may differ from the sum where an unknown column holds money
ODD = {
    "_odd_sum": "have a Total earnings that is not the sum of its components; only their base is used",
    "_odd_days": "have Trip days that are not hours over 24, rounded up; recomputed from the timestamps",
    "_odd_odometer": "have a negative or decreasing odometer or distance; these are not used",
    "_odd_status": SPELLED,
}
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


def read(sheet: Sheet, reading: Reading) -> pl.DataFrame:
    """Rows of one export in file order: columns `KEPT`, status, amounts in dollars (null = unknown).

    Raises:
        InputError: no column that tells vehicles apart, unknown statuses, a Reservation ID twice with
            different content, or money in an unknown column that the total does not explain.
    """
    name = sheet.source.name
    _announce(sheet, reading)
    extra = [key for key in sheet.keys if key and key not in col.USED and key not in col.PERSONAL]
    wanted = [key for key in sheet.keys if key in col.USED]
    carries_money: set[str] = set()
    frames, unknown = [], []
    for batch in batches(sheet, [*wanted, *extra], spare=extra):
        carries_money |= {key for key in extra if batch[key].str.contains("$", literal=True).any()}
        cells = typed(batch.select(*wanted, LINE), reading)
        rows = reading.quarantine.split(name, cells, _reasons(wanted))
        unknown.append(
            rows.filter(pl.col("status").is_null()).select(LINE, pl.col(TEXT + col.STATUS).alias(STATUS))
        )
        frames.append(rows.select(*KEPT, "status", *AMOUNTS, *ODD))
    reading.quarantine.add(name, sheet.malformed)
    refuse_unknown(name, STATUS, pl.concat(unknown), map(str.capitalize, col.STATUSES))
    rows = pl.concat(frames)
    _report(name, rows, extra, carries_money, reading)
    return drop_duplicates(name, rows.drop(*ODD), reading)


def _announce(sheet: Sheet, reading: Reading) -> None:
    keys, name = set(sheet.keys), sheet.source.name
    if not keys & {*col.IDENTITY, col.VEHICLE}:
        raise InputError(
            f"{name} tells cars apart only by Vehicle name, which is not unique.",
            "Bring the export with its column Vehicle, Vehicle id or VIN.",
        )
    identity = [key for key in col.IDENTITY if key in keys]
    logger.info("%s: trip earnings export with %d columns", name, len(sheet.keys))
    if not identity:
        reading.warn(
            f"{name} has no Vehicle id and no VIN (an export of 44 columns): cars are keyed by plate."
        )
    absent = [key for key in (*col.PRICE[:1], col.TOTAL) if key not in keys]
    if absent:
        reading.warn(f"{name} has no column {', '.join(absent)}: those amounts are unknown.")


def _reasons(wanted: list[str]) -> dict[str, pl.Expr]:
    nameless = (pl.col("vehicle_id") == "") & (pl.col("vin") == "") & pl.col("plate").is_null()
    reasons = {
        "Reservation ID is blank or no number": ~pl.col("reservation_id").str.contains(r"^[0-9]{1,18}$"),
        "Vehicle id is no number": ~pl.col("vehicle_id").str.contains(r"^[0-9]*$"),
        "no Vehicle id, VIN or plate": nameless,
    }
    for key, value in ((col.START, "trip_start"), (col.END, "trip_end")):
        title, text, unread = key.capitalize(), pl.col(TEXT + key), pl.col(value).is_null()
        uncertain = unread & text.str.contains(parse.SLASHED_OPTION)
        reasons[f"{title} is blank"] = text == ""
        reasons[f"{title} may be day/month or month/day, or lacks the century: set DATE_ORDER"] = uncertain
        reasons[f"{title} is no known date and time"] = unread
    reasons |= trip_reasons(pl.col("trip_start"), pl.col("trip_end"))
    for key in col.MONEY:
        if key in wanted:
            reasons[f"{key.capitalize()} is no amount in US dollars"] = pl.col(BAD + key)
    return reasons


def _report(name: str, rows: pl.DataFrame, extra: list[str], money: set[str], reading: Reading) -> None:
    for key, what in ODD.items():
        if count := rows[key].sum():
            reading.warn(f"{name}: {count} row(s) {what}.")
    if extra:
        reading.warn(f"{name}: unknown columns left out: {', '.join(extra)}.")
    wrong = int(rows["_odd_sum"].sum())
    if money and wrong > SUM_LIMIT * rows.height:
        raise InputError(
            f"{name}: the unknown column {', '.join(sorted(money))} holds money, and the Total earnings of "
            f"{wrong} of {rows.height} rows are not the sum of the known components.",
            "Turo seems to have added a column; report it, or remove it if it is yours.",
        )
    if money:
        reading.warn(
            f"{name}: the unknown column {', '.join(sorted(money))} holds money that is not counted."
        )
