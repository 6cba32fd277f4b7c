"""The manifest: what the prepared table was made of, and the digests by which a reader knows it is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.features.known_trips.trips import books_priced, without_date
from turo.table.model_columns import feature_columns
from turo.table.names import CSV, EXPORT, FLEETS, KEYS, META, PARQUET, REJECTED, REMEMBERED, TAKEHOME
from turo.table.targets import TARGETS
from turo.table.writer import Sink
from turo.words import by_number, counted

if TYPE_CHECKING:
    from turo.data.tables import Tables
    from turo.settings import Settings

SCHEMA = 1


@dataclass(frozen=True)
class Written:
    """What was written of the table: its columns, and counts of rows."""

    columns: list[str]
    rows: dict[str, int]


def begin(tables: Tables, settings: Settings) -> dict[str, Any]:
    """What can be said before the work: the input, and its counts under `rows`."""
    rows = {
        "accepted": len(tables.reservations),
        "rejected": len(tables.rejected),
        "vehicles": tables.vehicles["vehicle_id"].n_unique(),
    }
    begun = {
        "schema": SCHEMA,
        "profile": tables.profile,
        "fleet": tables.fleet.plain() if tables.fleet else None,
        "snapshot": tables.snapshot.isoformat(),
        "horizon_days": settings.horizon_days,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": settings.code_version,
        "inputs": tables.inputs,
        "rows": rows,
        "warnings": list(tables.warnings),
    }
    if tables.profile == TAKEHOME:
        return begun
    trips = tables.reservations
    ended = ~cancelled() & (pl.col("trip_end") <= tables.snapshot)
    rows["finished_trips"] = int(trips.select(ended.sum()).item())
    sources = dict(sorted(trips["booked_at_source"].value_counts().iter_rows()))
    return begun | {"booked_at_source": sources, "warnings": [*tables.warnings, *_limits(tables)]}


def finish(
    begun: Mapping[str, Any], sinks: Mapping[str, Sink], written: Written, fleets: int
) -> dict[str, Any]:
    """The whole manifest of a run whose tables are written; `fleets` is how many the data folder knows."""
    names, rows = written.columns, begun["rows"] | written.rows
    counts = {PARQUET: rows["prepared"], CSV: rows["prepared"], REJECTED: rows["rejected"]}
    counts[REMEMBERED] = rows["accepted"] if begun["profile"] == EXPORT else 0
    counts[FLEETS] = fleets
    return {
        **begun,
        "rows": rows,
        "outputs": {
            name: {"sha256": sinks[name].sha256, "rows": count, "bytes": sinks[name].bytes}
            for name, count in counts.items()
        },
        "columns": {
            "keys": [name for name in KEYS if name in names],
            "meta": [name for name in META if name in names],
            "features": feature_columns(names),
            "targets": [name for name in TARGETS if name in names],
        },
        "digest": sinks[PARQUET].sha256,
    }


def text(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as it is written."""
    return (json.dumps(manifest, indent=2, default=str) + "\n").encode()


def _limits(tables: Tables) -> list[str]:
    """What the features cannot know because of the kind of input."""
    trips = tables.reservations
    found = []
    if undated := trips.select(without_date().sum()).item():
        found.append(
            f"{undated} of {counted(trips.select(cancelled().sum()).item(), 'cancelled trip')} "
            f"{by_number(undated, 'has', 'have')} no date of cancellation. The newest Monday shows "
            "what is still booked; at earlier Mondays a trip counts with the chance that it was still booked "
            "then, an estimate that older exports kept beside the new one make better."
        )
    if not books_priced(trips):
        found.append("The booked price of cancelled trips is not known: there is no revenue on the books.")
    return found
