"""How templates write numbers; what is not known is a dash."""

from __future__ import annotations

from turo.words import by_number, counted

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def number(value: float | None, digits: int = 1) -> str:
    """With commas between thousands."""
    return NOTHING if value is None else _told(f"{value:z,.{digits}f}")


def percent(value: float | None) -> str:
    """A share of 1 in whole per cent."""
    return NOTHING if value is None else f"{100 * value:.0f} %"


def signed(value: float | None, digits: int = 1) -> str:
    """A change, with its sign; what rounds to nothing has none."""
    if value is None:
        return NOTHING
    told = f"{value:+z,.{digits}f}"
    return told[1:] if float(told.replace(",", "")) == 0 else _told(told)


def signed_percent(value: float | None) -> str:
    """A change as a share of 1, in per cent, with its sign."""
    return NOTHING if value is None else f"{signed(100 * value)} %"


def _told(digits: str) -> str:
    return digits.replace("-", MINUS)


FILTERS = {
    "num": number,
    "pct": percent,
    "signed": signed,
    "share": signed_percent,
    "counted": counted,
    "by_number": by_number,
}
