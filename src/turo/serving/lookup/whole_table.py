"""Reads the prepared table so that its rows and its manifest are always of the same run.

A table that fits is held in memory with an index; of a larger one the newest rows are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from turo.serving.lookup.file_state import state
from turo.serving.lookup.held_rows import InMemory
from turo.serving.lookup.row_groups import OnDisk
from turo.table.names import PARQUET
from turo.table.open_verified import verified

if TYPE_CHECKING:
    from pyarrow import fs

MEMORY_BYTES = 32 << 20  # of a decoded table, in every replica; a larger one is read where it lies
CELL_BYTES = 8


class Rows(Protocol):
    """Rows of one verified table. Without dates every vehicle has one row, at origin None."""

    newest: date | None
    at_hand: bool  # whether every row is in memory

    def origins(self, vehicle_id: str) -> Iterable[date | None]: ...

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any] | None: ...


def read(filesystem: fs.FileSystem, base: str, manifest: dict[str, Any], limit: int = MEMORY_BYTES) -> Rows:
    """The rows below `base`, if they are those of this manifest.

    Args:
        limit: bytes of memory above which the rows stay where they are.

    Raises:
        MixedError: they are not.
        InputError: they contradict it, or there is no table.
    """
    import pyarrow.parquet as pq

    path = f"{base}/{PARQUET}"
    before = state(filesystem, path)
    about = pq.read_metadata(path, filesystem=filesystem)
    fits = about.num_rows * about.num_columns * CELL_BYTES <= limit
    table = verified(filesystem, base, manifest, hold=fits)
    return InMemory.of(table.arrow(use_threads=False)) if fits else OnDisk(filesystem, path, before)
