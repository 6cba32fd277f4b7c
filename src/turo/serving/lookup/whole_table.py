"""The prepared table as one whole: rows and the manifest that describes them, never of two runs.

A table that fits is held in memory with an index; of a larger one the newest rows are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from turo.serving.lookup.file_state import MixedError, state
from turo.serving.lookup.held_rows import InMemory
from turo.serving.lookup.row_groups import OnDisk

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import fs

TABLE = "datas.parquet"
MEMORY_BYTES = 32 << 20  # of a decoded table, in every replica; a larger one is read where it lies
CELL_BYTES = 8
CHUNK = 1 << 20


class Rows(Protocol):
    """Rows of one verified table. Without dates every vehicle has one row, at origin None."""

    newest: date | None
    at_hand: bool  # whether every row is in memory

    def origins(self, vehicle_id: str) -> Iterable[date | None]: ...

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any] | None: ...


def read(filesystem: fs.FileSystem, base: str, digest: str, limit: int = MEMORY_BYTES) -> Rows:
    """The rows below `base`, if they are those of this digest.

    Args:
        limit: bytes of memory above which the rows stay where they are.

    Raises:
        MixedError: they are not.
        OSError: there is no table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = f"{base}/{TABLE}"
    before = state(filesystem, path)
    with filesystem.open_input_file(path) as file:
        if _cells(file) * CELL_BYTES > limit:
            _compare(_blocks(file), digest)
            return OnDisk(filesystem, path, before)
        file.seek(0)
        content = file.read_buffer()
    _compare([content], digest)
    return InMemory.of(pq.read_table(pa.BufferReader(content), use_threads=False))


def _cells(file: pa.NativeFile) -> int:
    import pyarrow.parquet as pq

    about = pq.read_metadata(file)
    return int(about.num_rows * about.num_columns)


def _blocks(file: pa.NativeFile) -> Iterable[bytes]:
    file.seek(0)
    while block := file.read(CHUNK):
        yield block


def _compare(blocks: Iterable[Any], digest: str) -> None:
    found = hashlib.sha256()
    for block in blocks:
        found.update(block)
    if found.hexdigest() != digest:
        raise MixedError
