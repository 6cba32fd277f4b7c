"""Make, model and year from a vehicle's name, wherever the year stands in it."""

from __future__ import annotations

import polars as pl

YEAR = r"(?:19|20)\d{2}"
FIRST = rf"^({YEAR})[ ,:;./|_-]+([^\d ,:;./|_-].*)$"  # 2023 Tesla Model 3; no make begins with a number
LAST = rf"^(.*[^ ,:;/|_-])[ ,:;/|_-]+({YEAR})$"  # Tesla Model 3 2023, as Turo writes it
BRACKETS_FIRST, BRACKETS_LAST = rf"^[(\[]({YEAR})[)\]] ?", rf"^([^(\[]*\S) ?[(\[]({YEAR})[)\]].*$"
SHORT_FIRST, SHORT_LAST = r"^['\u2019](\d{2}) (\D.*)$", r"^(.*\S) ['\u2019](\d{2})$"
NOTE = r"[(\[#].*$"  # what a host has added
TWO_WORD_MAKES = ("Land Rover", "Alfa Romeo", "Aston Martin")
THIS_CENTURY = 60  # '59 is 2059, '60 is 1960


def parts(name: pl.Expr) -> dict[str, pl.Expr]:
    """Expressions for `make`, `model` and `year`, null where the name does not tell.

    A number that is the model stays one: `Mazda 3 2021`, `Peugeot 2008 2020`, `2008 Peugeot 2008`.
    """
    tidy = name.str.replace_all(r'[\s"*]+', " ").str.strip_chars()
    tidy = tidy.str.replace(BRACKETS_FIRST, "${1} ").str.replace(BRACKETS_LAST, "${1} ${2}")
    bare = tidy.str.replace(NOTE, "").str.strip_chars()
    first, last = bare.str.extract(FIRST, 1), bare.str.extract(LAST, 2)
    behind = bare.str.extract(FIRST, 2)
    # 2023 Tesla Model 3 2023: said twice, unless nothing else would be left for the model
    behind = (
        pl.when(behind.str.extract(LAST, 2) == first, behind.str.extract(LAST, 1).str.contains(" "))
        .then(behind.str.extract(LAST, 1))
        .otherwise(behind)
    )
    short = pl.coalesce(bare.str.extract(SHORT_FIRST, 1), bare.str.extract(SHORT_LAST, 2)).cast(pl.Int64)
    century = pl.when(short < THIS_CENTURY).then(2000).otherwise(1900)
    without = pl.coalesce(
        behind,
        bare.str.extract(LAST, 1),
        bare.str.extract(SHORT_FIRST, 2),
        bare.str.extract(SHORT_LAST, 1),
        bare,
    )
    two = without.str.extract(rf"(?i)^({'|'.join(TWO_WORD_MAKES)})\b", 1)
    make = two.fill_null(without.str.extract(r"^(\S+)", 1))
    make = pl.when(~make.str.contains(rf"^{YEAR}$")).then(make)
    return {
        "make": make,
        "model": without.str.slice(make.str.len_chars()).str.strip_chars().replace("", None),
        "year": pl.coalesce(pl.coalesce(first, last).cast(pl.Int64), century + short),
    }
