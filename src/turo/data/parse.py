"""Text to instants, days and money, strictly: what no listed form fits is null, for the caller to reject.

All functions take trimmed text columns, "" meaning absent, and work on distinct values where that is cheaper.
"""

from __future__ import annotations

from zoneinfo import available_timezones

import polars as pl

from turo.data.tables import INSTANT

ISO = (
    (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}$", "%Y-%m-%d %H:%M"),
    (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?$", "%Y-%m-%d %H:%M:%S%.f"),
)
MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|"
    "nov(ember)?|dec(ember)?)"
)
TWELVE = (
    (r"^\d{4}-\d{2}-\d{2} \d{1,2}:\d{2} ?[AaPp][Mm]$", "%Y-%m-%d %I:%M %p"),
    (rf"(?i)^{MONTH} \d{{1,2}}, \d{{4}},? \d{{1,2}}:\d{{2}} ?[AP]M$", "%b %d %Y %I:%M %p"),
)
SLASHED = r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2} ?[AaPp][Mm]$"
SLASHED_OPTION = r"^\d{1,2}/\d{1,2}/(\d{4}|\d{2}) \d{1,2}:\d{2}( ?[AaPp][Mm])?$"
PADDED = 16  # characters of YYYY-MM-DDTHH:MM; the parser would also take fewer
DOLLARS = r"([0-9]{1,3}(,[0-9]{3}){1,3}|[0-9]{1,12})(\.[0-9]{1,2})?"  # below a million millions
AMOUNT = rf"^-?\s*\$?\s*-?\s*{DOLLARS}\s*-?$|^\(\s*\$?\s*{DOLLARS}\s*\)$"
MACHINE_ZONES = frozenset({"localtime", "Factory"})
OFFSET = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$"


def instants(text: pl.Series, timezone: str, date_order: str = "") -> pl.Series:
    """Wall-clock instants of a text column; null where empty or in no known form.

    Known without an option: ISO 8601 (an offset is turned into the vehicle's wall clock),
    `YYYY-MM-DD hh:mm AM/PM`, `M/D/YYYY hh:mm AM/PM`, `Mon D, YYYY hh:mm AM/PM`. `date_order` MDY or DMY
    allows the other slashed forms.
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


def forward(wall: pl.Series, timezone: str) -> pl.Series:
    """Move wall-clock times that the spring change skips one hour forward."""
    zoned = wall.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    skipped = zoned.is_null() & wall.is_not_null()
    if not skipped.any():
        return wall
    return (
        pl.select(pl.when(skipped).then(wall.dt.offset_by("1h")).otherwise(wall)).to_series().alias(wall.name)
    )


def days(text: pl.Series, timezone: str, date_order: str = "") -> pl.Series:
    """Dates of a text column: ISO dates, or the day of any instant `instants` knows."""
    plain = text.str.to_date("%Y-%m-%d", strict=False)
    plain = plain.set(~text.str.contains(r"^\d{4}-\d{2}-\d{2}$"), None)
    return plain.fill_null(instants(text, timezone, date_order).dt.date())


def plain_numbers(text: pl.Series) -> pl.Series:
    """Plain decimals (`1234.5`, `-3`) below a million millions; null where empty or anything else."""
    plain = r"^[+-]?(0*[0-9]{1,12}(\.[0-9]*)?|\.[0-9]+)$"
    return text.set(~text.str.contains(plain), None).cast(pl.Float64, strict=False)


def money(text: pl.Series) -> pl.Series:
    """US dollars to cents (Int64): `$1,234.50`, `- $6.06`, `-$6.06`, `$-6.06`, `($6.06)`, `6.06-`, `6`.

    Null where empty or in any other form (`1.234,50`, `1 234.50`, `CA$5`, `12.345`).
    """
    fits = text.str.contains(AMOUNT) & (text.str.count_matches("-") <= 1)
    digits = text.set(~fits, None).str.replace_all(r"[\s$(),-]", "")
    cents = (digits.cast(pl.Float64, strict=False) * 100).round().cast(pl.Int64)
    signed = pl.select(pl.when(text.str.contains(r"[-(]")).then(-cents).otherwise(cents)).to_series()
    return signed.alias(text.name)


def is_zone(name: str) -> bool:
    """Is it a time zone whose rules are known everywhere? `localtime`, the machine's own, is none."""
    return name in available_timezones() - MACHINE_ZONES


def _distinct(text: pl.Series, timezone: str, date_order: str) -> pl.Series:
    forms = pl.DataFrame({"text": text.str.replace_all(r"\s+", " ")})
    tidy = (
        pl.col("text").str.replace(r"^(\d{4}-\d{2}-\d{2})T", "${1} ").str.replace(r"(?i) ?([ap]m)$", " ${1}")
    )
    tries = [
        pl.when(pl.col("text").str.contains(pattern)).then(
            tidy.str.replace_all(",", "")
            .str.replace(r"^([A-Za-z]{3})[A-Za-z]*", "${1}")
            .str.to_datetime(form, time_unit="us", strict=False)
        )
        for pattern, form in ISO + TWELVE
    ]
    order = "%d/%m" if date_order == "DMY" else "%m/%d"
    pattern = SLASHED_OPTION if date_order else SLASHED
    for year in ("%Y", "%y"):
        for clock in ("%I:%M %p", "%H:%M"):
            digits = 4 if year == "%Y" else 2
            fits = pl.col("text").str.contains(pattern)
            fits &= pl.col("text").str.contains(rf"/\d{{{digits}}} ")
            tries.append(
                pl.when(fits).then(
                    tidy.str.to_datetime(f"{order}/{year} {clock}", time_unit="us", strict=False)
                )
            )
    zoned = (
        pl.when(pl.col("text").str.contains(OFFSET))
        .then(tidy.str.replace("Z$", "+00:00").str.replace(r" (\d\d:\d\d)([+-])", " ${1}:00${2}"))
        .str.replace(r"([+-]\d\d):?(\d\d)$", "${1}${2}")
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f%z", time_unit="us", strict=False)
        .dt.convert_time_zone(timezone)
        .dt.replace_time_zone(None)
    )
    return forms.select(pl.coalesce(*tries, zoned).cast(INSTANT)).to_series()
