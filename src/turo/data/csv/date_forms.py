"""The ways in which people and spreadsheets write a day and a time of day, and how each is recognised.

A text is a day, and after a blank, `T`, a comma or "at" a clock, which an offset from UTC may follow:
`2026-06-05 9:00:00`, `6/5/2026, 9:00 AM`, `Fri, Jun 5, 2026 at 9:00 AM`, `5 Jun 2026 9:00`, `5.6.2026 9:00`.
Only the order of day and month in numbers, and the century of a year of two digits, need to be told.
"""

from __future__ import annotations

import polars as pl

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTH = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
WEEKDAY = (
    r"^(?:(mon)(?:day)?|(tue)(?:s|sday)?|(wed)(?:nesday)?|(thu)(?:r|rs|rsday)?|(fri)(?:day)?|"
    r"(sat)(?:urday)?|(sun)(?:day)?)\.?,? "
)
CLOCK = (
    r"^(?P<day>[^:]*[^: ,t]),?(?: at |,? |t)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?P<part>\.\d{1,9})?)? ?(?P<half>a\.?m\.?|p\.?m\.?)? ?(?P<offset>z|utc|gmt|[+-]\d{2}:?\d{2})?$"
)
YEAR_FIRST = (
    r"^(?P<y>\d{4})(?:-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})|/(?P<m2>\d{1,2})/(?P<d2>\d{1,2})|"
    r"\.(?P<m3>\d{1,2})\.(?P<d3>\d{1,2}))$"
)
NUMBERS = (
    r"^(?P<a>\d{1,2})(?:(?P<slash>/)(?P<b1>\d{1,2})/|-(?P<b2>\d{1,2})-|\.(?P<b3>\d{1,2})\.)"
    r"(?P<y>\d{4}|\d{2})$"
)
MONTH_FIRST = rf"^{MONTH}\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}}|\d{{2}})$"
DAY_FIRST = (
    rf"^(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\. | |-|/|\.){MONTH}\.?,?(?: |-|/|\.)(?P<y>\d{{4}}|\d{{2}})$"
)
PIVOT = 69  # years of two digits from here on are of the last century
MINUTE_US = 60_000_000


def read(text: pl.Series, date_order: str = "") -> pl.DataFrame:
    """Columns `day` (Date), `clock` (µs of the day; null where it has none) and `offset` (minutes from UTC).

    All are null where the text is in no known form, or in one that only `date_order` (MDY, DMY) can tell.
    Slashed days with a year of four digits and AM or PM are American and need no order, unless more of them
    can only be day/month than month/day.
    """
    tidy = text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    frame = pl.DataFrame({"text": tidy.str.replace(WEEKDAY, ""), "named": _weekday(tidy)})
    clock = pl.col("text").str.extract_groups(CLOCK)
    frame = frame.with_columns(clock.alias("c")).unnest("c")
    timed = pl.col("hour").is_not_null()
    frame = frame.with_columns(
        pl.when(timed).then("day").otherwise("text").str.strip_chars_end(",").alias("day"),
        pl.col("half").str.slice(0, 1),
    )
    day = pl.coalesce(_year_first(), _written(date_order), _numbers(date_order))
    agrees = pl.col("named").is_null() | (day.dt.weekday() == pl.col("named"))
    agrees &= (pl.col("hour").is_null() | _clock().is_not_null()) & (
        pl.col("offset").is_null() | _offset().is_not_null()
    )
    return frame.select(
        pl.when(agrees & day.is_not_null()).then(value).alias(name)
        for name, value in {"day": day, "clock": _clock(), "offset": _offset()}.items()
    )


def _weekday(tidy: pl.Series) -> pl.Series:
    found = tidy.str.extract(WEEKDAY, 0).str.slice(0, 3)
    return found.replace_strict(
        {w: i + 1 for i, w in enumerate(WEEKDAYS)}, default=None, return_dtype=pl.Int8
    )


def _clock() -> pl.Expr:
    hour, minute, second = (pl.col(name).cast(pl.Int64) for name in ("hour", "minute", "second"))
    half = pl.col("half")
    fits = pl.when(half.is_null()).then(hour < 24).otherwise(hour.is_between(1, 12))
    fits &= (minute < 60) & (second.fill_null(0) < 60)
    hours = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "p").cast(pl.Int64))
    part = (("0" + pl.col("part")).cast(pl.Float64) * 1_000_000).round().cast(pl.Int64).fill_null(0)
    return pl.when(fits).then((hours * 60 + minute) * MINUTE_US + second.fill_null(0) * 1_000_000 + part)


def _offset() -> pl.Expr:
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    hours, minutes = (
        pl.col("offset").str.extract(r"^[+-](\d{2}):?(\d{2})$", i).cast(pl.Int64) for i in (1, 2)
    )
    known = pl.when((hours < 24) & (minutes < 60)).then(sign * (hours * 60 + minutes))
    return pl.when(pl.col("offset").is_in(["z", "utc", "gmt"])).then(0).otherwise(known)


def _year_first() -> pl.Expr:
    found = pl.col("day").str.extract_groups(YEAR_FIRST).struct
    month, day = (pl.coalesce(found.field(f"{key}{i}") for i in (1, 2, 3)) for key in "md")
    return _date(found.field("y"), month, day)


def _written(date_order: str) -> pl.Expr:
    tries = []
    for pattern, month in ((MONTH_FIRST, "1"), (DAY_FIRST, "2")):
        found = pl.col("day").str.extract_groups(pattern).struct
        number = (
            found.field(month)
            .str.slice(0, 3)
            .replace_strict(
                {m: str(i + 1) for i, m in enumerate(MONTHS)}, default=None, return_dtype=pl.String
            )
        )
        tries.append(_date(_year(found.field("y"), bool(date_order)), number, found.field("d")))
    return pl.coalesce(tries)


def _numbers(date_order: str) -> pl.Expr:
    found = pl.col("day").str.extract_groups(NUMBERS).struct
    first, second = found.field("a"), pl.coalesce(found.field(f"b{i}") for i in (1, 2, 3))
    year = _year(found.field("y"), bool(date_order))
    if date_order == "DMY":
        return _date(year, second, first)
    american = _date(year, first, second)
    if date_order:
        return american
    clear = found.field("slash").is_not_null() & pl.col("half").is_not_null()
    day_first, month_first = ((clear & (part.cast(pl.Int64) > 12)).sum() for part in (first, second))
    return pl.when(clear & (day_first <= month_first)).then(american)


def _year(text: pl.Expr, short_too: bool) -> pl.Expr:
    """The year; one of two digits only where the user has said how dates are written."""
    number = text.cast(pl.Int64)
    if not short_too:
        return pl.when(text.str.len_bytes() == 4).then(number)
    century = pl.when(text.str.len_bytes() == 4).then(0).when(number < PIVOT).then(2000).otherwise(1900)
    return century + number


def _date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """The day where there is such a one."""
    text = pl.format("{}-{}-{}", year.cast(pl.String), month.str.zfill(2), day.str.zfill(2))
    return text.str.to_date("%Y-%m-%d", strict=False)
