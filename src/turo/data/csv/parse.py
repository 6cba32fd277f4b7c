"""Text to instants, days and money, strictly: what no listed form fits is null, for the caller to reject.

All functions take trimmed text columns, "" meaning absent, and work on distinct values where that is cheaper.
"""

from __future__ import annotations

from zoneinfo import available_timezones

import polars as pl

from turo.data.csv import date_forms
from turo.data.tables import INSTANT

PADDED = 16  # characters of YYYY-MM-DDTHH:MM; the parser would also take fewer
NUMBERED = r"^[34567]\d{4}(\.\d+)?$"  # days since 1900, or 1904 on old Macs: which is not told
EARLIEST = 2009  # the year that Turo began; what would be before it was meant otherwise
WITHOUT_TIME = "has no time of day"
NEEDS_ORDER = "may be day/month or month/day, or lacks the century: set DATE_ORDER"
OTHER_ORDER = "does not fit DATE_ORDER"
DAY_NUMBER = "is a day number of a spreadsheet: format the column there as date and time"
NO_INSTANT = "is no known date and time"
UNREAD = (WITHOUT_TIME, NEEDS_ORDER, OTHER_ORDER, DAY_NUMBER, NO_INSTANT)  # what may be wrong with one
# below a million millions; over six decimals are the noise of binary fractions
DOLLARS = r"([0-9]{1,3}(,[0-9]{3}){1,3}|[0-9]{1,12})(\.[0-9]{1,2}|\.[0-9]{6,20})?|\.[0-9]{1,2}"
SIGN = r"(us\s*\$|usd\s*\$?|\$)?"
AMOUNT = rf"(?i)^(-?\s*{SIGN}\s*-?\s*({DOLLARS})\s*-?|{SIGN}\s*\(\s*{SIGN}\s*({DOLLARS})\s*\))(\s*usd)?$"
NOTHING = r"(?i)^(-?\s*(us\s*\$|usd\s*\$?|\$)\s*-(\s*usd)?|-\s*usd)$"  # Excel's Accounting format of zero
DASHES = r"[-\u2010-\u2014\u2212\ufe63\uff0d]"  # hyphens, dashes and the minus sign
NOISE = 1e-4  # cents by which a sum of binary fractions may be off
MACHINE_ZONES = frozenset({"localtime", "Factory"})


def instants(text: pl.Series, timezone: str, date_order: str = "") -> pl.Series:
    """Wall-clock instants of a text column; null where empty, without a time of day, or in no known form.

    Which forms are known `date_forms` says; an offset is turned into the clock of `timezone`. `date_order`
    MDY or DMY allows numbers that may be day/month or month/day, and years of two digits.
    Clock changes: a time that does not exist (spring) moves one hour forward; of a time that exists twice
    (autumn) the earlier is meant, which leaves the wall clock as it is.
    """
    fast = text.str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False)
    fast = fast.set(text.str.len_bytes() != PADDED, None)
    rest = text.filter(fast.is_null() & (text != "")).unique()
    if rest.len():
        known = pl.DataFrame({"text": rest, "instant": _distinct(rest, timezone, date_order)})
        other = pl.DataFrame({"text": text}).join(known, on="text", how="left", maintain_order="left")
        fast = fast.fill_null(other["instant"]) if fast.null_count() < len(fast) else other["instant"]
    return forward(fast, timezone)


def unread(text: pl.Series, read: pl.Series, date_order: str = "", day_alone: bool = False) -> pl.Series:
    """Why each cell that is not blank and was not `read` is no instant: one of `UNREAD`; else null.

    `day_alone`: where a day without a time would do.
    """
    lost = read.is_null() & (text != "")
    cells = text.filter(lost).unique()
    if not cells.len():
        return pl.Series([None] * len(text), dtype=pl.String)
    dated, timed = pl.lit(False), pl.lit(False)
    for frame in (date_forms.read(cells, order) for order in ("MDY", "DMY")):
        plausible = frame["day"].dt.year() >= EARLIEST
        dated |= plausible.fill_null(False)
        timed |= (plausible & frame["clock"].is_not_null()).fill_null(False)
    why = pl.select(
        pl.when(timed | (dated & day_alone))
        .then(pl.lit(OTHER_ORDER if date_order else NEEDS_ORDER))
        .when(dated)
        .then(pl.lit(WITHOUT_TIME))
        .when(cells.str.contains(NUMBERED))
        .then(pl.lit(DAY_NUMBER))
        .otherwise(pl.lit(NO_INSTANT))
    ).to_series()
    found = text.replace_strict(cells, why, default=None, return_dtype=pl.String)
    return found.set(~lost, None)


def has_offset(text: pl.Series) -> pl.Series:
    """Which cells tell an instant with its offset from UTC."""
    if not text.str.contains(r"(?i)(z|utc|gmt|[+-]\d\d:?\d\d)\s*$").any():
        return pl.Series([False] * len(text), dtype=pl.Boolean)
    return date_forms.read(text, "MDY")["offset"].is_not_null()


def forward(wall: pl.Series, timezone: str) -> pl.Series:
    """Move wall-clock times that the spring change skips one hour forward."""
    zoned = wall.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    skipped = zoned.is_null() & wall.is_not_null()
    if not skipped.any():
        return wall
    return (
        pl.select(pl.when(skipped).then(wall.dt.offset_by("1h")).otherwise(wall)).to_series().alias(wall.name)
    )


def days(text: pl.Series, date_order: str = "") -> pl.Series:
    """Dates as they are written, with a time of day or without; a time's offset does not change its day."""
    plain = text.str.to_date("%Y-%m-%d", strict=False)
    plain = plain.set(~text.str.contains(r"^\d{4}-\d{2}-\d{2}$"), None)
    if (plain.is_null() & (text != "")).any():
        plain = plain.fill_null(date_forms.read(text, date_order)["day"])
    return plain


def plain_numbers(text: pl.Series) -> pl.Series:
    """Plain decimals (`1234.5`, `-3`) below a million millions; null where empty or anything else."""
    plain = r"^[+-]?(0*[0-9]{1,12}(\.[0-9]*)?|\.[0-9]+)$"
    return text.set(~text.str.contains(plain), None).cast(pl.Float64, strict=False)


def numbers(text: pl.Series) -> pl.Series:
    """Plain decimals, or with commas between thousands (`1,234.5`); null where empty or anything else.

    A comma anywhere else may be a decimal one (`85,4`, `1.234,5`), so what it means is not known.
    """
    grouped = text.str.contains(r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$")
    return plain_numbers(text.str.replace_all(",", "").zip_with(grouped, text))


def money(text: pl.Series) -> pl.Series:
    """US dollars to cents (Int64): `$1,234.50`, `- $6.06`, `$-6.06`, `($6.06)`, `6.06-`, `US$ 6`, `6 USD`.

    So are Excel's `$ (6.06)` and `$ -`, which is zero.
    Null where empty or in any other form (`1.234,50`, `1 234.50`, `CA$5`, `12.345`).
    """
    plain = text.str.replace_all(DASHES, "-")
    nothing = plain.str.contains(NOTHING)
    fits = plain.str.contains(AMOUNT) & (plain.str.count_matches("-") <= 1)
    digits = plain.set(~fits, None).str.replace_all(r"(?i)[\s$(),-]|usd?", "")
    exact = digits.cast(pl.Float64, strict=False) * 100
    cents = exact.round().cast(pl.Int64)
    cents = cents.set(((exact - cents).abs() > NOISE).fill_null(False), None)
    signed = pl.select(pl.when(plain.str.contains(r"[-(]")).then(-cents).otherwise(cents)).to_series()
    return signed.set(nothing, 0).alias(text.name)


def amounts(text: pl.Series) -> pl.Series:
    """Dollars of plain decimals or of any form `money` knows; null where empty or anything else."""
    plain = plain_numbers(text)
    if not (plain.is_null() & (text != "")).any():
        return plain
    return plain.fill_null((money(text) / 100).round(2))


def is_zone(name: str) -> bool:
    """Is it a time zone whose rules are known everywhere? `localtime`, the machine's own, is none."""
    return name in available_timezones() - MACHINE_ZONES


def _distinct(text: pl.Series, timezone: str, date_order: str) -> pl.Series:
    wall = pl.col("day").cast(INSTANT) + pl.duration(microseconds="clock")
    there = (wall - pl.duration(minutes="offset")).dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    local = pl.when(pl.col("offset").is_null()).then(wall).otherwise(there.dt.replace_time_zone(None))
    return date_forms.read(text, date_order).select(local.cast(INSTANT)).to_series()
