"""Numbers in sentences: 1 day, 2 days."""

from __future__ import annotations

from collections.abc import Sequence


def by_number(number: float | str, one: str, several: str) -> str:
    """The word that fits the number as it is told: `is` or `are`, `has` or `have`."""
    return one if str(number) == "1" else several


def counted(number: float | str, noun: str) -> str:
    """The number, as it is told, and the noun in singular or plural."""
    return f"{number} {noun}{by_number(number, '', 's')}"


def listed(names: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
