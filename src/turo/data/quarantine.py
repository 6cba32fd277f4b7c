"""Rows that cannot be used: set aside with file, line and reason, never with what they held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from turo.data.csv import footers
from turo.data.csv.rows import LINE
from turo.data.csv.sheet import Sheet
from turo.data.reject_reasons import commonest, with_forms
from turo.data.tables import REJECTED, empty
from turo.errors import InputError

LIMIT = 0.05  # share of rejected rows above which the run fails
MOST = 0.5  # the same for a file beside the reservations on its own
REASON = "_reason"


class TooManyRejectedError(InputError):
    """Over 5 % of the rows cannot be used; `rows` are all that were rejected (`tables.REJECTED`)."""

    def __init__(self, what: str, remedy: str = "", rows: pl.DataFrame | None = None) -> None:
        super().__init__(what, remedy)
        self.rows = empty(REJECTED) if rows is None else rows


@dataclass
class Quarantine:
    """Collects the rejected rows of one run."""

    frames: list[pl.DataFrame] = field(default_factory=list)

    def split(
        self,
        file: str,
        rows: pl.DataFrame,
        reasons: Mapping[str, pl.Expr],
        met: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """Set aside the rows for which a condition of `reasons` (reason → condition) holds; return the rest.

        The first reason that holds is the one recorded. Null conditions do not hold. `met` (reason → column
        of text) names the cell whose form is added to a reason (see `cells.form`).
        """
        if not reasons:
            return rows
        first = pl.coalesce(
            pl.when(condition.fill_null(False)).then(pl.lit(reason)) for reason, condition in reasons.items()
        )
        marked = rows.with_columns(first.alias(REASON))
        bad = marked.filter(pl.col(REASON).is_not_null())
        if not bad.height:
            return rows
        self.add(file, zip(bad[LINE].to_list(), with_forms(bad, REASON, met or {}), strict=True))
        return marked.filter(pl.col(REASON).is_null()).drop(REASON)

    def add(self, file: str, rows: Iterable[tuple[int, str]]) -> None:
        """Record rejected lines of a file."""
        listed = [(file, line, reason) for line, reason in rows]
        if listed:
            self.frames.append(pl.DataFrame(listed, REJECTED, orient="row"))

    def table(self) -> pl.DataFrame:
        """All rejected rows, in order of file and line."""
        return pl.concat(self.frames).sort("file", "line") if self.frames else empty(REJECTED)

    def check(self, sheets: Sequence[Sheet], also_alone: Sequence[Sheet] = ()) -> None:
        """Fail when more than 5 % of the rows of these files were rejected, naming the commonest reasons.

        Lines that are no reservation (`footers`) do not count, as long as the rows outnumber them.

        Args:
            also_alone: those of them that fail as well where most of their own rows were rejected: a short
                file beside a long one would lose everything without a word.

        Raises:
            TooManyRejectedError: with the rejected rows of all files so far.
        """
        self._hold(sheets, LIMIT)
        for sheet in also_alone:
            self._hold([sheet], MOST)

    def _hold(self, sheets: Sequence[Sheet], limit: float) -> None:
        rejected = self.table().filter(pl.col("file").is_in([sheet.source.name for sheet in sheets]))
        total = sum(sheet.rows for sheet in sheets)
        counted = rejected.filter(~pl.col("reason").is_in(footers.REASONS))
        besides = rejected.height - counted.height
        if 2 * besides <= total:
            rejected, total = counted, total - besides
        if rejected.height <= limit * total:
            return
        common = commonest(rejected["reason"])
        first = rejected.row(0)
        why = "; ".join(f"{reason} ({note})" for reason, note in common)
        raise TooManyRejectedError(
            f"{rejected.height} of {total} rows cannot be used (over {limit:.0%}): {why}.",
            f"Look at line {first[1]} of {first[0]} first (rejected.csv lists all); is it the right file?",
            self.table(),
        )
