"""The prepared table, opened: rows and manifest are checked against each other, so both are of one run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from turo.errors import InputError
from turo.files import sha256_of
from turo.table.names import HORIZON, MANIFEST, PARQUET
from turo.words import counted

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import fs

LOCAL = "local"  # pyarrow's name of the file system that this machine mounts
BATCH_ROWS = 65_536  # decoded at once where only some rows are kept
FIRST = "Run `turo prepare` (or the DAG prepare_data) first."
AGAIN = "Run `turo prepare` (or the DAG prepare_data) again."

Manifest = dict[str, Any]


class AbsentError(InputError):
    """There is no prepared table, or only a part of one."""


class MixedError(Exception):
    """The rows are not those the manifest describes: a new table is being put in place.

    Args:
        described, found: digests of the two.
    """

    def __init__(self, described: str = "", found: str = "") -> None:
        super().__init__(described, found)


@dataclass(frozen=True)
class PreparedTable:
    """Rows that were checked against their manifest. They stay readable while a new table replaces them.

    Attributes:
        parquet: the opened file; closed with the last reference to it.
    """

    manifest: Manifest
    parquet: pq.ParquetFile

    @property
    def digest(self) -> str:
        """SHA-256 of datas.parquet, the data digest of every tag."""
        return str(self.manifest["digest"])

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the table's order."""
        return list(self.parquet.schema_arrow.names)

    def arrow(self, columns: Sequence[str] | None = None, use_threads: bool = True) -> pa.Table:
        """All rows as pyarrow decodes them."""
        return self.parquet.read(columns, use_threads=use_threads)

    def frame(self, columns: Sequence[str] | None = None, where: pl.Expr | None = None) -> pl.DataFrame:
        """The rows for which `where` holds; of the others only a batch at a time is in memory."""
        if where is None:
            return pl.DataFrame(self.arrow(columns))
        batches = self.parquet.iter_batches(BATCH_ROWS, columns=columns)
        empty = pl.DataFrame(self.parquet.schema_arrow.empty_table().select(columns or self.columns))
        return pl.concat([empty, *(pl.DataFrame(batch).filter(where) for batch in batches)])

    def refuse_horizon(self, days: int | None, where: str) -> None:
        """Refuse rows that are for other days, or not all for the same; without dates no column says so.

        Raises:
            InputError: naming the days found.
        """
        if HORIZON not in self.columns:
            return
        found = sorted(self.arrow([HORIZON])[HORIZON].unique().to_pylist())
        if len(found) > 1 or (days is not None and found not in ([], [days])):
            raise InputError(
                f"The table was prepared for {counted(', '.join(map(str, found)), 'day')}, not "
                f"{days or 'one horizon'}: {where}.",
                f"Set HORIZON_DAYS{f'={days}' if days else ''} and run `turo prepare`.",
            )


def described(filesystem: fs.FileSystem, base: str) -> Manifest:
    """The manifest below `base`.

    Raises:
        AbsentError: there is none.
        InputError: it cannot be read.
    """
    path = f"{base}/{MANIFEST}"
    try:
        with filesystem.open_input_stream(path) as stream:
            found = json.loads(stream.read())
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read: {error}.", AGAIN) from error
    if not isinstance(found, dict):
        raise InputError(f"{path} cannot be read: it is not an object.", AGAIN)
    return found


def look(filesystem: fs.FileSystem, base: str) -> PreparedTable:
    """The table below `base` as it is now; its manifest may come while the rows are hashed.

    Raises:
        MixedError: rows and manifest are of two runs.
        AbsentError, InputError: see `described` and `verified`.
    """
    path = f"{base}/{PARQUET}"
    file = _opened(filesystem, path)
    before = described(filesystem, base)
    found = sha256_of(file)
    try:
        return _compared(before, file, found, path)
    except MixedError:
        return _compared(described(filesystem, base), file, found, path)


def verified(filesystem: fs.FileSystem, base: str, manifest: Manifest, hold: bool = True) -> PreparedTable:
    """The rows below `base`, if they are those of this manifest.

    Args:
        hold: behind a URL, keep the file in memory, for a second look may find another one in its place.
            Without it whoever reads on must see to it that the file has stayed the same.

    Raises:
        MixedError: they are not.
        InputError: they are absent, cannot be read, or contradict it.
    """
    path = f"{base}/{PARQUET}"
    file = _opened(filesystem, path, hold)
    return _compared(manifest, file, sha256_of(file), path)


def _opened(filesystem: fs.FileSystem, path: str, hold: bool = True) -> pa.NativeFile:
    import pyarrow as pa

    try:
        if filesystem.type_name == LOCAL or not hold:
            return filesystem.open_input_file(path)
        with filesystem.open_input_stream(path) as stream:
            return pa.BufferReader(stream.read_buffer())
    except OSError as error:
        raise _unreadable(path, error) from error


def _compared(manifest: Manifest, file: pa.NativeFile, found: str, path: str) -> PreparedTable:
    """The table of an opened file and its manifest, if digest, number of rows and horizon agree."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if "digest" not in manifest:
        raise InputError(f"{MANIFEST} beside {path} cannot be read: it has no digest.", AGAIN)
    if manifest["digest"] != found:
        raise MixedError(str(manifest["digest"]), found)
    try:
        file.seek(0)
        table = PreparedTable(manifest, pq.ParquetFile(file))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}.", AGAIN) from error
    said, has = _rows(manifest), table.parquet.metadata.num_rows
    if said not in (None, has):
        raise InputError(f"{path} has {has} rows, its {MANIFEST} says {said}.", AGAIN)
    table.refuse_horizon(manifest.get(HORIZON), path)
    return table


def _rows(manifest: Manifest) -> int | None:
    """How many rows a manifest says there are; None where it does not."""
    try:
        return int(manifest["outputs"][PARQUET]["rows"])
    except (KeyError, TypeError, ValueError):
        return None


def _unreadable(path: str, error: OSError) -> InputError:
    where, _, name = path.rpartition("/")
    absent = isinstance(error, FileNotFoundError)
    return (AbsentError if absent else InputError)(
        f"{name} in {where} cannot be read: {error}.", FIRST if absent else AGAIN
    )
