"""Rows whose number of cells is not that of the header.

Spreadsheets leave out the separators before empty cells at the end of rows, block by block, or add some.
Such a row is completed, or relieved of its empty surplus; any other one is malformed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from turo.data.csv import footers
from turo.data.csv.sheet import Sheet
from turo.errors import InputError

UNCLEAR = "\x00"  # a cell that two readers see differently


@dataclass
class Ragged:
    """The rows of one reading that did not fit, and what became of them."""

    sheet: Sheet
    needed: Collection[str]  # columns that no row may leave out
    malformed: list[tuple[int, str]] = field(default_factory=list)  # (line, reason)
    short: dict[int, int] = field(default_factory=dict)  # line -> cells

    def fit(self, line: int, cells: list[str]) -> list[str] | None:
        """The row with as many cells as the header, or None where it is malformed."""
        keys, width = self.sheet.keys, len(self.sheet.keys)
        surplus = any(cell.strip() for cell in cells[width:])
        if len(cells) >= width and not surplus and UNCLEAR not in cells:
            return cells[:width]
        named = {key: cell.strip() for key, cell in zip(keys, cells, strict=False)}
        if len(cells) < width and not footers.is_worded(named):
            self.short[line] = len(cells)
        lacking = [key for key in keys[len(cells) :] if key in self.needed]
        if len(cells) < width and not lacking and UNCLEAR not in cells:
            return cells + [""] * (width - len(cells))
        self.malformed.append(
            (line, footers.reason(named) or f"has {len(cells)} cells where the header has {width}")
        )
        return None

    def refuse_cut(self, last: int) -> None:
        """A short row that ends the file without a line end was cut off.

        Raises:
            InputError: line `last` of the file is such a row.
        """
        if last in self.short and not self.sheet.content.ends_with_newline:
            raise InputError(
                f"{self.sheet.source.name} ends in the middle of a row: "
                f"line {last} has {self.short[last]} of {len(self.sheet.keys)} cells.",
                "Copy or export the file again.",
            )
