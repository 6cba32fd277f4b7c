"""The cells of an export, typed: instants, dollars, keys of the vehicle, and what is odd about a row."""

from __future__ import annotations

import polars as pl

from turo.data.canonical_statuses import SPELLINGS, cancelled
from turo.data.csv import cells, parse
from turo.data.csv.parse import DASHES
from turo.data.csv.rows import LINE
from turo.data.export import columns as col
from turo.data.export.status_words import CANONICAL_STATUS
from turo.data.read_context import ReadContext

# the last parenthesis with a plate: (TX #ABC1234) or (#ABC1234)
PLATE = r"(?s)^.*\(\s*(?:([A-Za-z]{1,3})\b[\s,]*)?#\s*([^()]*[^()\s])\s*\)"
NO_VIN = (  # a dash, a word for nothing, or what a spreadsheet has made of digits
    r"(?i)^(.{0,4}|[0x*?#.-]*|unknown|missing|pending|hidden|redacted|no vin"
    r"|not (available|provided|set|known)|\d(\.\d*)?e\+\d+)$"
)
BAD, CENTS, TEXT, WHY = "_bad ", "_cents ", "_text ", "_why "  # prefixes of working columns
DASH = rf"^{DASHES}$"
COMPONENTS = (*col.PRICE, *col.DISCOUNTS, *col.FEES)


def typed(batch: pl.DataFrame, file: str, context: ReadContext) -> pl.DataFrame:
    """Columns of the canonical form, `vin`, `plate`, `state`, working columns, and `_odd_…` marks.

    Args:
        batch: trimmed text columns of the export, "" where empty; absent columns count as empty.
    """
    blank = pl.Series([""] * batch.height, dtype=pl.String)

    def text(key: str) -> pl.Series:
        return batch[key] if key in batch.columns else blank

    status = text(col.STATUS).str.to_lowercase().str.replace_all(r"\s+", " ")
    spelled = CANONICAL_STATUS | SPELLINGS
    vehicle, vehicle_id, vin = text(col.VEHICLE), cells.ids(text(col.VEHICLE_ID), numeric=True), text(col.VIN)
    vin = vin.set(vin.str.contains(NO_VIN), "")
    columns = {
        LINE: batch[LINE],
        "reservation_id": cells.ids(text(col.ID), numeric=True),
        "vehicle_id": vehicle_id,
        "vin": vin.str.to_uppercase(),
        "state": vehicle.str.extract(PLATE, 1).str.to_uppercase(),
        "plate": vehicle.str.extract(PLATE, 2).str.to_uppercase().str.replace_all(r"\s", ""),
        "vehicle_name": text(col.NAME),
        "status": status.replace_strict(spelled, default=None, return_dtype=pl.String),
        "_odd_status": status.is_in(list(SPELLINGS)),
        "_days": parse.numbers(text(col.TRIP_DAYS)),
        "distance": (distance := parse.numbers(text(col.DISTANCE))),
        "_odd_distance": distance.is_null() & ~text(col.DISTANCE).str.contains(rf"^{DASHES}?$"),
        "_out": parse.numbers(text(col.ODOMETER_OUT)),
        "_in": parse.numbers(text(col.ODOMETER_IN)),
    }
    for name, key in (("trip_start", col.START), ("trip_end", col.END)):
        columns[name] = read = context.instants(text(key), vehicle_id, f"{file}: {key.capitalize()}")
        columns[WHY + key] = context.unread(text(key), read)
    for key in col.MONEY:
        # a dash alone is an accountant's zero: Turo leaves no amount out
        columns[CENTS + key] = cents = parse.money(text(key).str.replace(DASH, "$$ -"))
        columns[BAD + key] = cents.is_null() & (text(key) != "")
    columns |= {
        TEXT + key: text(key) for key in (col.STATUS, col.START, col.END, col.ID, col.VEHICLE_ID, *col.MONEY)
    }
    return _marked(_amounts(pl.DataFrame(columns)))


def _amounts(frame: pl.DataFrame) -> pl.DataFrame:
    """Base, fees and total in dollars. A cancelled row shows the price 0, which there means unknown."""

    def total(keys: tuple[str, ...]) -> pl.Expr:
        return pl.sum_horizontal(pl.col(CENTS + key).fill_null(0) for key in keys)

    unknown = cancelled().fill_null(False) & (total(col.PRICE) == 0)
    known = pl.col(CENTS + col.PRICE[0]).is_not_null() & ~unknown
    differs = ((total(COMPONENTS) - pl.col(CENTS + col.TOTAL)).abs() > 1).fill_null(False)
    return frame.with_columns(
        pl.when(known).then(total(col.PRICE) / 100).alias("trip_price"),
        pl.when(known).then(total(col.DISCOUNTS) / 100).alias("discounts"),
        pl.when(~differs).then(total(col.FEES) / 100).alias("fees"),
        pl.when(~differs).then(pl.col(CENTS + col.TOTAL) / 100).alias("total_earnings"),
        differs.alias("_odd_sum"),
    )


def _marked(frame: pl.DataFrame) -> pl.DataFrame:
    length = (pl.col("trip_end") - pl.col("trip_start")) / pl.duration(days=1)
    backwards = pl.col("_in") < pl.col("_out")
    negative = pl.min_horizontal("_in", "_out", "distance") < 0
    odd = backwards.fill_null(False) | negative.fill_null(False)
    return frame.with_columns(
        (length.ceil() != pl.col("_days")).fill_null(False).alias("_odd_days"),
        odd.alias("_odd_odometer"),
        pl.when(~odd).then("distance").alias("distance"),
    )
