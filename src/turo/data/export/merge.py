"""Several exports of one host as one table: the newest row wins, older ones are evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.export.continuity import contradictions
from turo.data.export.download_names import REMEDY
from turo.data.export.export_date import DAY
from turo.data.read_context import ReadContext, few
from turo.data.tables import REVISIONS, SIGHTINGS
from turo.errors import InputError
from turo.words import by_number, counted


@dataclass(frozen=True)
class Merged:
    """One row a reservation, the newest; its earlier dates (`REVISIONS`); who saw it booked (`SIGHTINGS`)."""

    rows: pl.DataFrame
    revisions: pl.DataFrame
    sightings: pl.DataFrame


def merge(rows: pl.DataFrame, context: ReadContext, accept: bool) -> Merged:
    """The newest row of each reservation, and what the older ones prove.

    `first_seen` = end of the day of the oldest export that has it. A row that was cancelled keeps the price
    it was booked at, if an older export knows it, and `cancelled_at` = end of the day of the first export
    that shows it cancelled, if that is before the trip's start (later it is known anyway). The distance of a
    completed trip that a later export leaves blank is kept; before, it is that of a part of the trip.

    Args:
        rows: rows of all exports with `file`, `seen` (end of the export's day) and `turn` (its place
            among those of the day).
        accept: merge even if the newest export seems not to continue the older ones.

    Raises:
        InputError: exports of one day that differ and have no order, vanished reservations, or trips that are
            no longer completed.
    """
    rows = rows.sort("seen", "turn", maintain_order=True)
    content = pl.exclude("file", "line", "distance")
    distance = pl.when(pl.col("status") == "completed").then("distance").drop_nulls()
    rows = rows.group_by(content, maintain_order=True).agg(
        pl.col("file").first(), distance.last().alias("distance"), distance.n_unique().alias("told")
    )
    if (differ := rows.filter(pl.col("told") > 1)["reservation_id"]).len():
        context.warn(
            f"{counted(differ.len(), 'reservation')} {by_number(differ.len(), 'has', 'have')} another "
            f"distance in another export of the same day; the last one counts ({few(differ)})."
        )
    rows = rows.drop("told")
    clash = rows.filter(pl.struct("reservation_id", "seen", "turn").is_duplicated())["reservation_id"]
    if clash.len():
        raise InputError(
            f"{clash.n_unique()} Reservation IDs differ between exports of the same day ({few(clash)}); "
            "which is newer cannot be told.",
            REMEDY,
        )
    _check_order(rows, context, accept)
    kept = pl.col("trip_price", "discounts", "distance").forward_fill().over("reservation_id")
    newest = (
        pl.int_range(pl.len(), dtype=pl.Int64).over("reservation_id") == pl.len().over("reservation_id") - 1
    )
    rows = rows.with_columns(
        kept, first_seen=pl.col("seen").min().over("reservation_id"), cancelled_at=_cancelled_at()
    )
    return Merged(rows.filter(newest), _revisions(rows), _sightings(rows))


def _cancelled_at() -> pl.Expr:
    """The first export that shows a cancellation bounds it, whatever an older one said of that row before.

    Rows are in the order of the exports; of two downloads of one day the first may still show it booked.
    """
    booked_later = (~cancelled()).cum_sum(reverse=True) > 0
    first = pl.col("seen").filter(~booked_later).min().over("reservation_id")
    return pl.when(cancelled() & (first < pl.col("trip_start"))).then(first)


def _sightings(rows: pl.DataFrame) -> pl.DataFrame:
    """Every day whose last export shows a reservation before its start, and not cancelled."""
    last = rows.unique(["reservation_id", "seen"], keep="last", maintain_order=True)
    return last.filter(~cancelled() & (pl.col("seen") < pl.col("trip_start"))).select(*SIGHTINGS)


def _revisions(rows: pl.DataFrame) -> pl.DataFrame:
    """Dates that a later export changed; rows by `seen`.

    New dates are known from the export that has them first, or once the trip has ended by them.
    """
    version = (
        (
            (pl.col("trip_start") != pl.col("trip_start").shift())
            | (pl.col("trip_end") != pl.col("trip_end").shift())
        )
        .fill_null(False)
        .cum_sum()
        .over("reservation_id")
    )
    dated = pl.col("trip_start", "trip_end").first()
    priced = pl.col("trip_price", "discounts").last()
    versions = rows.group_by("reservation_id", version.alias("version"), maintain_order=True).agg(
        dated, priced, known=pl.min_horizontal("seen", "trip_end").first()
    )
    since = pl.when(pl.col("version") > 0).then("known")
    until = pl.col("known").shift(-1).over("reservation_id")
    return versions.with_columns(since=since, until=until).drop_nulls("until").select(*REVISIONS)


def _check_order(rows: pl.DataFrame, context: ReadContext, accept: bool) -> None:
    """Compare each export with the one before it."""
    wrong: list[str] = []
    for older, newer in _successive(rows):
        wrong += contradictions(older, newer)
        old, new = _label(older, newer), _label(newer, older)
        pairs = older.join(newer, on="reservation_id", suffix="_new")
        moved = pairs.filter(
            (pl.col("trip_start") != pl.col("trip_start_new"))
            | (pl.col("trip_end") != pl.col("trip_end_new"))
        )
        if count := moved.height:
            context.warn(
                f"{counted(count, 'reservation')} changed {by_number(count, 'its', 'their')} dates "
                f"between the exports up to {new}; "
                f"a past Monday sees the dates known then ({few(moved['reservation_id'])})."
            )
        if wrong and not accept:
            raise InputError(
                f"The export of {new} does not continue that of {old}: " + "; ".join(wrong) + ".",
                "Check the dates in the file names, or set ACCEPT_OLDER_SNAPSHOT=true to merge them anyway.",
            )
    for sentence in wrong:
        context.warn(f"Accepted although {sentence}.")


def _successive(rows: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Pairs of older and newer exports: those of one day, and the state of each day with that of the next."""
    days = rows.partition_by("seen", maintain_order=True)
    for day in days:
        yield from pairwise(day.partition_by("turn", maintain_order=True))
    states = [day.unique("reservation_id", keep="last", maintain_order=True) for day in days]
    yield from pairwise(states)


def _label(export: pl.DataFrame, other: pl.DataFrame) -> str:
    """The day of an export; its file beside another one of that day."""
    seen: datetime = export["seen"][0]
    day = f"{seen - DAY:%Y-%m-%d}"
    return f"{day} ({export['file'][0]})" if seen == other["seen"][0] else day
