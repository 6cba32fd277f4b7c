"""Rows of a table too large for memory: the newest Monday is held, others are read from the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from turo.serving.lookup.file_state import FileState, state
from turo.serving.lookup.held_rows import InMemory
from turo.table.names import ORIGIN, VEHICLE
from turo.table.open_verified import MixedError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import fs


@dataclass
class OnDisk:
    """Answers as long as the file is the one that was verified.

    A vehicle's rows lie together (`turo prepare` writes vehicle by vehicle), so that one or two groups of
    rows are decoded for any of them.

    Attributes:
        about: the file's footer, read once.
        spans: first and last vehicle of each row group; None where the file does not say.
        recent: the rows of the newest origin; None for a table without dates.
    """

    filesystem: fs.FileSystem
    path: str
    verified: FileState
    about: pq.FileMetaData = field(init=False)
    spans: list[tuple[str, str] | None] = field(init=False)
    recent: InMemory | None = field(init=False, default=None)
    newest: date | None = field(init=False, default=None)
    at_hand = False

    def __post_init__(self) -> None:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        self.about = pq.read_metadata(self.path, filesystem=self.filesystem)
        names = self.about.schema.names
        self.spans = _spans(self.about, names.index(VEHICLE))
        if ORIGIN in names:
            every = range(self.about.num_row_groups)
            days = [pc.max(self._read([group], [ORIGIN])[ORIGIN]).as_py() for group in every]
            self.newest = max(day for day in days if day)
            fresh = [group for group in every if days[group] == self.newest]
            parts = [self._read([group], None, pc.field(ORIGIN) == self.newest) for group in fresh]
            self.recent = InMemory.of(_joined(parts))

    def origins(self, vehicle_id: str) -> Iterable[date | None]:
        """Origins of a vehicle, none where it is unknown."""
        column = VEHICLE if self.newest is None else ORIGIN
        found = self._of(vehicle_id, [column, VEHICLE])[column].to_pylist()
        return [None] * len(found) if self.newest is None else found

    def row(self, vehicle_id: str, origin: date | None) -> dict[str, Any] | None:
        """One row by column; None where there is no such row."""
        if self.recent is not None and origin == self.newest:
            return self.recent.row(vehicle_id, origin)
        return InMemory.of(self._of(vehicle_id, None)).row(vehicle_id, origin)

    def _of(self, vehicle_id: str, columns: Sequence[str] | None) -> pa.Table:
        import pyarrow.compute as pc

        groups = [
            group for group, span in enumerate(self.spans) if span is None or span[0] <= vehicle_id <= span[1]
        ]
        return self._read(groups, columns, pc.field(VEHICLE) == vehicle_id)

    def _read(self, groups: Sequence[int], columns: Sequence[str] | None, rows: Any = None) -> pa.Table:
        """Columns of row groups.

        Raises:
            MixedError: the file is not the verified one any more.
        """
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(
                self.path, metadata=self.about, filesystem=self.filesystem, memory_map=True
            ) as file:
                table = file.read_row_groups(groups, columns, use_threads=False)
            return table if rows is None else table.filter(rows)
        finally:  # a file exchanged between two reads of it may also end in an error of pyarrow
            if state(self.filesystem, self.path) != self.verified:
                raise MixedError


def _joined(tables: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(tables)


def _spans(about: pq.FileMetaData, column: int) -> list[tuple[str, str] | None]:
    found: list[tuple[str, str] | None] = []
    for group in range(about.num_row_groups):
        told = about.row_group(group).column(column).statistics
        found.append((told.min, told.max) if told is not None and told.has_min_max else None)
    return found
