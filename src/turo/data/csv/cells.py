"""A cell as a spreadsheet leaves it: guards and odd blanks around a value, and what may be shown of one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from string import digits

import polars as pl

from turo.data.csv import rows
from turo.data.csv.date_forms import MONTH, WEEKDAYS
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet

ODD = r"^['=]|[\u0080-\x{10FFFF}]"  # what a plain cell lacks
BLANKS = r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
UNSEEN = r"[\u200b-\u200f\u2060\ufeff]"
FORMULA = r'^=\s*"(?s:(.*))"$'
APOSTROPHE = r"^'(.)"
SHORT_YEAR = r"^'\d\d(\D|$)"  # of a vehicle's name, where the apostrophe is no guard

WHOLE = r"^([0-9]+)\.0*$"
GROUPED = r"^([0-9]{1,3}(?:,[0-9]{3})+)(?:\.0*)?$"
LEADING = r"^0+([0-9]+)$"
SCIENTIFIC = r"^([0-9])(?:\.([0-9]+))?[eE]\+0*([0-9]{1,2})$"
LOST_DIGITS = "has lost its last digits to a spreadsheet"
MISSING = ("nan", "nat", "none", "null", "<na>", "n/a", "#n/a")  # what other tools write into blank cells

LONGEST = 30  # characters of a cell whose form is shown
VALUE = re.compile(
    r"\d+\.\d*[eE][+-]?\d+|\d{5}\.\d+|(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))"
    r"(,?[ T]\d{1,2}:\d{2}(:\d{2})?( ?[AaPp][Mm])?)?([+-]\d{2}:?\d{2}|Z)?"
)  # numbers and times that can be nothing else
CODES = "us ca au nz hk mx usd cad aud nzd hkd mxn eur gbp chf jpy".split()  # noqa: SIM905 - one line
CLOCK = "at t z am pm a p m e utc gmt est edt cst cdt mst mdt pst pdt".split()  # noqa: SIM905
KNOWN = re.compile(
    rf"({'|'.join((*CODES, *CLOCK, 'st', 'nd', 'rd', 'th'))}|{MONTH}|({'|'.join(WEEKDAYS)})[a-z]*)",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]+")


def batches(
    sheet: Sheet, wanted: Collection[str], may_be_empty: bool = False, spare: Collection[str] = ()
) -> Iterator[pl.DataFrame]:
    """`rows.batches`, each cell freed of guards (`'12.50`, `="12.50"`) and of blanks that are no spaces."""
    for batch in rows.batches(sheet, wanted, may_be_empty, spare):
        yield batch.with_columns(tidy(batch[name]) for name in batch.columns if name != LINE)


def tidy(text: pl.Series) -> pl.Series:
    """The cells without what keeps a spreadsheet from changing them, and with plain blanks."""
    if not text.str.contains(ODD).any():
        return text
    plain = text.str.replace_all(UNSEEN, "").str.replace_all(BLANKS, " ").str.strip_chars()
    plain = plain.str.replace(FORMULA, "${1}").str.strip_chars()
    guarded = plain.str.replace(APOSTROPHE, "${1}")
    if text.name == "vehicle name":
        guarded = pl.select(
            pl.when(plain.str.contains(SHORT_YEAR)).then(plain).otherwise(guarded)
        ).to_series()
    return guarded.str.strip_chars().alias(text.name)


def ids(text: pl.Series, numeric: bool = False) -> pl.Series:
    """Keys as they were before a spreadsheet took them for numbers: `1001.0` and `1.001E+03` are `1001`.

    Where scientific notation has lost digits the cell stays as it is. `numeric`: the keys are numbers, so
    commas may set thousands apart, and zeros may lead.
    """
    text = text.set(text.str.to_lowercase().is_in(MISSING), "")
    text = text.str.replace(WHOLE, "${1}")
    if numeric:
        bare = text.str.replace(GROUPED, "${1}").str.replace_all(",", "")
        text = text.zip_with(~text.str.contains(GROUPED), bare).str.replace(LEADING, "${1}")
    if not text.str.contains(SCIENTIFIC).any():
        return text
    first, decimals, power = (text.str.extract(SCIENTIFIC, i) for i in (1, 2, 3))
    decimals, places = decimals.fill_null("").str.strip_chars_end("0"), power.cast(pl.Int64)
    shown = text.str.extract(SCIENTIFIC, 2).fill_null("").str.len_chars().cast(pl.Int64)
    exact = (shown >= places) & (decimals.str.len_chars().cast(pl.Int64) <= places)
    frame = pl.DataFrame(
        {"first": first, "decimals": decimals, "places": places, "exact": exact, "text": text}
    )
    digits = pl.col("first") + pl.col("decimals").str.pad_end(pl.col("places"), "0")
    return frame.select(
        pl.when(pl.col("exact").fill_null(False)).then(digits).otherwise("text").alias(text.name)
    ).to_series()


def lossy(name: str) -> pl.Expr:
    """Whether a key (see `ids`) is a number whose last digits scientific notation has dropped."""
    return pl.col(name).str.contains(r"^[0-9](\.[0-9]+)?[eE]\+[0-9]{1,2}$")


def form(cell: str) -> str:
    """What may be shown of a cell that could not be read, were it a name or an address: its form.

    A number or a time that can be nothing else is shown as it is; else digits become 9 and letters a, but
    for currencies and months in a cell that holds nothing but these and digits.
    """
    if (len(cell) <= LONGEST and VALUE.fullmatch(cell)) or cell.lower() in MISSING:
        return cell
    known = any(sign.isdigit() for sign in cell) and all(KNOWN.fullmatch(word) for word in WORD.findall(cell))
    return "".join(_masked(sign, known) for sign in cell[:LONGEST]) + "…" * (len(cell) > LONGEST)


def _masked(sign: str, known: bool) -> str:
    if sign in digits:
        return "9"
    if sign.isalpha():
        return sign if known and sign.isascii() else "a"
    return sign if (sign.isascii() and sign.isprintable()) or unicodedata.category(sign) == "Sc" else "?"
