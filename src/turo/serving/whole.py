"""The prepared table as one whole: rows and the manifest that describes them, never of two runs.

A table that fits is held in memory with an index: a row then costs 0.1 ms instead of decoding a row group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import fs

TABLE = "datas.parquet"
MEMORY_BYTES = 64 << 20  # of a decoded table; a larger one is read from where it lies, row group by row group
CELL_BYTES = 8
CHUNK = 1 << 20
VEHICLE, ORIGIN = "vehicle_id", "origin_date"

State = tuple[Any, ...]


class MixedError(Exception):
    """The table is not the one its manifest describes: it is being replaced."""


class Rows(Protocol):
    """Rows of one verified table. Without dates every vehicle has one row, at origin None."""

    newest: date | None

    def origins(self, vehicle_id: str) -> Iterable[date | None]: ...

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any]: ...


def state(filesystem: fs.FileSystem, path: str) -> State:
    """What is another after a file has been replaced.

    Raises:
        OSError: there is no such file.
    """
    if filesystem.type_name == "local":
        found = Path(path).stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    info = filesystem.get_file_info(path)
    if info.mtime is None and info.size is None:
        raise FileNotFoundError(path)
    return info.mtime_ns, info.size


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
            rows = OnDisk(filesystem, path, before)
            rows.newest = rows.latest()
            return rows
        file.seek(0)
        content = file.read_buffer()
    _compare([content], digest)
    return InMemory.of(pq.read_table(pa.BufferReader(content), use_threads=False))


@dataclass
class InMemory:
    """All rows, and by vehicle and origin where each is."""

    names: list[str]
    columns: list[pa.Array]
    places: dict[str, dict[date | None, int]]
    newest: date | None

    @classmethod
    def of(cls, table: pa.Table) -> InMemory:
        """Index a table."""
        whole = table.combine_chunks()
        columns = [column.chunk(0) if column.num_chunks else [] for column in whole.columns]
        vehicles = whole[VEHICLE].to_pylist()
        dated = ORIGIN in whole.column_names
        origins = whole[ORIGIN].to_pylist() if dated else [None] * len(vehicles)
        places: dict[str, dict[date | None, int]] = {}
        for place, (vehicle, origin) in enumerate(zip(vehicles, origins, strict=True)):
            places.setdefault(vehicle, {})[origin] = place
        return cls(whole.column_names, columns, places, max(origins, default=None) if dated else None)

    def origins(self, vehicle_id: str) -> Iterable[date | None]:
        """Origins of a vehicle, none where it is unknown."""
        return self.places.get(vehicle_id, {})

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any]:
        """One row by column."""
        place = self.places[vehicle_id][origin]
        return {name: column[place].as_py() for name, column in zip(self.names, self.columns, strict=True)}


@dataclass
class OnDisk:
    """Rows of a table too large for memory, as long as the file is the one that was verified."""

    filesystem: fs.FileSystem
    path: str
    verified: State
    newest: date | None = None

    def latest(self) -> date | None:
        """The newest origin of the table."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        if ORIGIN not in pq.read_schema(self.path, filesystem=self.filesystem).names:
            return None
        newest: date | None = pc.max(self._query([ORIGIN], None)[ORIGIN]).as_py()
        return newest

    def origins(self, vehicle_id: str) -> Iterable[date | None]:
        """Origins of a vehicle, none where it is unknown."""
        column = VEHICLE if self.newest is None else ORIGIN
        found = self._query([column], [(VEHICLE, "==", vehicle_id)])[column].to_pylist()
        return [None] * len(found) if self.newest is None else found

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any]:
        """One row by column."""
        conditions: list[tuple[str, str, Any]] = [(VEHICLE, "==", vehicle_id)]
        if origin is not None:
            conditions.append((ORIGIN, "==", origin))
        row: dict[str, Any] = self._query(None, conditions).slice(0, 1).to_pylist()[0]
        return row

    def _query(self, columns: list[str] | None, conditions: list[tuple[str, str, Any]] | None) -> pa.Table:
        """Rows that fulfil the conditions; row groups that cannot hold any are not read.

        Raises:
            MixedError: the file is not the verified one any more.
        """
        import pyarrow.parquet as pq

        try:
            return pq.read_table(
                self.path,
                columns=columns,
                filters=conditions,
                filesystem=self.filesystem,
                memory_map=True,
                use_threads=False,
                partitioning=None,
            )
        finally:  # a file exchanged between two reads of it may also end in an error of pyarrow
            if state(self.filesystem, self.path) != self.verified:
                raise MixedError


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
