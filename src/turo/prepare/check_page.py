"""A check in words, one screen long."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import UNDATED, Tables
from turo.features.known_trips.trips import without_date
from turo.prepare.file_check import Checked
from turo.table.names import TAKEHOME
from turo.words import by_number, counted

SHOWN = 6  # reasons and warnings; the rest is counted


def lines(checked: Checked, vehicles_file: str, blocks_file: str) -> list[str]:
    """What would be read, what is wrong, what is missing and what it costs; whether it would be taken."""
    said = [f"Files       {', '.join(checked.files) or 'none'}"]
    if checked.tables is not None:
        said += _read(checked, checked.tables)
    said += _rejected(checked.rejected)
    if checked.tables is not None:
        said += _listed("Noted", checked.tables.warnings)
        said += _listed("Missing", missing(checked.tables, checked.files, vehicles_file, blocks_file))
    verdict = "would be taken" if checked.refusal is None else f"would be refused. {checked.refusal}"
    return [*said, f"Verdict     {verdict}"]


def missing(tables: Tables, files: Sequence[str], vehicles_file: str, blocks_file: str) -> list[str]:
    """What the files lack, and what that costs."""
    costs = []
    if vehicles_file not in files:
        costs.append(
            f"{vehicles_file}: no class, list price and minimum trip of vehicles; classes cannot be compared."
        )
    if tables.profile == TAKEHOME:
        costs.append("trip dates: no calendar, gaps, books and pace; the number of reservations is forecast.")
        return costs
    rows = tables.reservations
    if blocks_file not in files:
        costs.append(f"{blocks_file}: days that the owner took out count as open.")
    costs += _share(rows["trip_price"].null_count(), rows.height, "price", "their money is in no sum")
    undated = int((rows["booked_at_source"] == UNDATED).sum())
    costs += _share(undated, rows.height, "booking date", "what was on the books, and pace, leave them out")
    gone = rows.select(cancelled().sum()).item()
    lost = rows.select(without_date().sum()).item()
    costs += _share(
        lost, gone, "date of cancellation", "the risk of losing a booking is an estimate", "cancelled "
    )
    return costs


def _share(count: int, total: int, what: str, cost: str, which: str = "") -> list[str]:
    if not count:
        return []
    of = f"{'all' if count == total else f'{count} of'} {counted(total, f'{which}reservation')}"
    return [f"{what}: {of} {by_number(count, 'has', 'have')} none; {cost}."]


def _read(checked: Checked, tables: Tables) -> list[str]:
    rows = tables.reservations
    start, end = ("created_at", "created_at") if tables.profile == TAKEHOME else ("trip_start", "trip_end")
    first, last = rows[start].drop_nulls().dt.date().min(), rows[end].drop_nulls().dt.date().max()
    period = f"{first!s} to {last!s}" if first else "without dates"
    return [
        f"Profile     {tables.profile}",
        f"Period      {period}",
        f"Known until {tables.snapshot:%Y-%m-%d %H:%M}, by {checked.known_by}",
        f"Vehicles    {rows['vehicle_id'].n_unique()} with reservations",
        f"Accepted    {counted(rows.height, 'reservation')}",
        f"Before      {_before(checked, tables)}",
    ]


def _before(checked: Checked, tables: Tables) -> str:
    if checked.last is None:
        return "nothing was prepared here yet"
    if tables.fleet is None or checked.last.id != tables.fleet.id:
        return "another fleet"
    return f"continues the last run, of {checked.last.snapshot[:10]}"


def _rejected(rejected: pl.DataFrame) -> list[str]:
    if not rejected.height:
        return ["Rejected    no row"]
    reasons = rejected.group_by("file", "reason").agg(pl.len().alias("count"), pl.col("line").min())
    listed = [
        f"{count} in {file}: {reason} (first in line {line})"
        for file, reason, count, line in reasons.sort(
            "count", "file", "reason", descending=[True, False, False]
        ).iter_rows()
    ]
    return [f"Rejected    {counted(rejected.height, 'row')}", *_bullets(listed)]


def _listed(title: str, sentences: list[str]) -> list[str]:
    return [title, *_bullets(sentences)] if sentences else []


def _bullets(sentences: list[str]) -> list[str]:
    more = len(sentences) - SHOWN
    return [f"  - {each}" for each in sentences[:SHOWN]] + ([f"  - and {more} more"] if more > 0 else [])
