"""One run of prepare: raw files in, features and targets out.

Writes datas.csv, datas.parquet, rejected.csv, manifest.json, and what the next run compares its export with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from turo.data import fleet_sketch
from turo.data.earlier_run import to_remember
from turo.data.quarantine import TooManyRejectedError
from turo.errors import InputError
from turo.features.build import Part, parts
from turo.features.known_trips.trips import books_priced, slim
from turo.features.scope import scope
from turo.features.takehome import takehome
from turo.prepare import manifest, other_fleets
from turo.prepare.ray_tasks import connected, csv_bytes, parquet_bytes, rows
from turo.table.names import (
    CSV,
    FLEETS,
    IN_TRAINING,
    MANIFEST,
    ORIGIN,
    PARQUET,
    REJECTED,
    REMEMBERED,
    TAKEHOME,
)
from turo.table.targets import TARGETS
from turo.table.writer import Sink, staged

if TYPE_CHECKING:
    import pyarrow as pa

    from turo.data.tables import Tables
    from turo.settings import Settings

logger = logging.getLogger(__name__)

COMPRESSION = "zstd"
GROUP_ROWS = 4096  # what a reader of one vehicle has to decode at least


def run(settings: Settings, folder: str = "") -> dict[str, Any]:
    """Prepare the table and return its manifest. All outputs are replaced together, or none.

    Args:
        folder: where the outputs go; default DATA_DIR, where the inputs are.

    Raises:
        InputError: input that cannot be used, or a horizon longer than the history. Where that is because
            of too many rejected rows, rejected.csv alone is replaced.
        ServiceError: no Ray, a full disk, or another prepare at work in the same folder.
    """
    target = folder or settings.data_dir
    main = None if folder or "://" in target else Path(target)
    try:
        if main:
            other_fleets.take_back(main)
        made = _prepare(settings, target, main)
        if main:
            other_fleets.take_back(main)
    except TooManyRejectedError as error:
        with staged(target, (REJECTED,)) as sinks:
            sinks[REJECTED].write(csv_bytes(error.rows, header=True))
        raise
    logger.info("Prepared %s in %s", made["rows"], target)
    return made


def _prepare(settings: Settings, target: str, main: Path | None) -> dict[str, Any]:
    """Make the outputs in `target`; `main` is the data folder if they go there and it is a local one."""
    from turo.data.load import load_tables

    with staged(target) as sinks:
        tables = load_tables(settings)
        sinks[REJECTED].write(csv_bytes(tables.rejected, header=True))
        sinks[REMEMBERED].write(parquet_bytes(to_remember(tables)))
        sinks[FLEETS].write(fleet_sketch.text(tables.known_fleets))
        fleet, seen, vehicles = (
            tables.fleet,
            len(tables.known_fleets),
            tables.reservations["vehicle_id"].unique(),
        )
        begun = manifest.begin(tables, settings)
        if tables.profile == TAKEHOME:
            written = _write(sinks, _takehome(tables))
        else:
            pieces = _panel(tables, settings)
            del tables  # from here on only the slim rows are held
            with connected(settings.ray_address):
                written = _write(sinks, pieces)
        made = manifest.finish(begun, sinks, written, seen)
        sinks[MANIFEST].write(manifest.text(made))
        if main and fleet:
            other_fleets.make_room(main, fleet.id, vehicles)
    return made


def _takehome(tables: Tables) -> Iterator[tuple[Any, pa.Table]]:
    table = takehome(tables.reservations, tables.vehicles)
    yield csv_bytes(table, header=False), table.to_arrow(compat_level=pl.CompatLevel.oldest())


def _panel(tables: Tables, settings: Settings) -> Iterator[tuple[Any, pa.Table]]:
    rows_known = slim(tables.reservations, tables.revisions, tables.sightings)
    whole = Part(rows_known, tables.vehicles, tables.blocks)
    priced = books_priced(tables.reservations)
    shared = scope(whole, tables.snapshot, settings.horizon_days, priced, sightings=tables.sightings)
    return rows(parts(whole, settings.prepare_chunk_vehicles), shared)


def _write(sinks: dict[str, Sink], pieces: Iterator[tuple[Any, pa.Table]]) -> manifest.Written:
    """Append the finished pieces to both tables, one at a time."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    writer, label, origins = None, TARGETS[0], set[Any]()
    counts = {"prepared": 0, "labelled": 0, IN_TRAINING: 0}
    for lines, table in pieces:
        if writer is None:
            label = TARGETS[0] if TARGETS[0] in table.column_names else TARGETS[1]
            writer = pq.ParquetWriter(sinks[PARQUET], table.schema, compression=COMPRESSION)
            sinks[CSV].write((",".join(table.column_names) + "\n").encode())
        writer.write_table(table, row_group_size=GROUP_ROWS)
        sinks[CSV].write(lines)
        counts["prepared"] += len(table)
        counts["labelled"] += len(table) - table[label].null_count
        counts[IN_TRAINING] += pc.sum(table[IN_TRAINING]).as_py() or 0
        if ORIGIN in table.column_names:
            origins.update(pc.unique(table[ORIGIN].filter(pc.is_valid(table[label]))).to_pylist())
        logger.info("%d rows so far", counts["prepared"])
    if writer is None or not counts["prepared"]:
        raise InputError("No vehicle was in the fleet at any origin.", "Check listed_from in vehicles.csv.")
    writer.close()
    if ORIGIN in table.column_names:
        counts["labelled_origins"] = len(origins)
    return manifest.Written(list(table.column_names), counts)
