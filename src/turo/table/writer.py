"""The writer of the outputs: every file is complete and on disk before the first one takes its final name.

A reader trusts the manifest, which is renamed last. A writer killed between two renames leaves a manifest
whose digests do not fit the files; `turo.table.reader` notices.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from turo.errors import ServiceError
from turo.files import atomic_path, folder, remove_leftovers
from turo.table.lock import exclusive
from turo.table.names import OUTPUTS

if TYPE_CHECKING:
    from pyarrow import fs


class Sink:
    """A binary file that counts and hashes what is written to it."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._digest = hashlib.sha256()
        self.bytes = 0

    def write(self, data: Any) -> int:
        """Append `data`, anything with a buffer."""
        view = memoryview(data).cast("B")
        self._handle.write(view)
        self._digest.update(view)
        self.bytes += len(view)
        return len(view)

    def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        self._handle.flush()

    def close(self) -> None:
        """Flush to disk and close; a full disk shows here, before anything was renamed."""
        if not self.closed:
            self._handle.flush()
            os.fsync(self._handle.fileno())
            self._handle.close()

    @property
    def closed(self) -> bool:
        """Has the file been closed?"""
        return self._handle.closed

    @property
    def sha256(self) -> str:
        """Hex digest of what was written so far."""
        return self._digest.hexdigest()


@contextmanager
def staged(location: str, names: Sequence[str] = OUTPUTS) -> Iterator[dict[str, Sink]]:
    """Give a sink for each of `names`; on success all take their places below `location`, on error none.

    Raises:
        ServiceError: another prepare is at work there, or the disk is full (ENOSPC).
    """
    from pyarrow.fs import LocalFileSystem

    filesystem, base = folder(location)
    try:
        if isinstance(filesystem, LocalFileSystem):
            with exclusive(Path(base)), _local(Path(base), names) as sinks:
                yield sinks
        else:  # an object store: no locks there, and what it shows is whole
            with tempfile.TemporaryDirectory() as here, _local(Path(here), names) as sinks:
                yield sinks
                for sink in sinks.values():
                    sink.close()
                _upload(Path(here), filesystem, base, names)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ServiceError(
            f"Writing to {location} failed: no space left on device (ENOSPC). The old files are intact.",
            "Free some space and run again.",
        ) from error


@contextmanager
def _local(base: Path, names: Sequence[str]) -> Iterator[dict[str, Sink]]:
    for name in names:
        remove_leftovers(base, name)
    with ExitStack() as stack:
        # Entered in reverse: a stack unwinds backwards, and the manifest must come last.
        # Flushed by the sinks: a slow disk between two renames would keep readers waiting, or lose them.
        places = {name: atomic_path(base / name, flushed=True) for name in reversed(names)}
        paths = {name: stack.enter_context(place) for name, place in places.items()}
        handles = {name: stack.enter_context(paths[name].open("wb")) for name in names}
        sinks = {name: Sink(handle) for name, handle in handles.items()}
        yield sinks
        for sink in sinks.values():
            sink.close()


def _upload(here: Path, filesystem: fs.FileSystem, base: str, names: Sequence[str]) -> None:
    filesystem.create_dir(base)
    token = uuid.uuid4().hex[:8]
    staging = {name: f"{base}/.{name}.{token}.tmp" for name in names}
    for name in names:
        source = next(here.glob(f".{name}.*.tmp"))
        with source.open("rb") as reader, filesystem.open_output_stream(staging[name]) as writer:
            shutil.copyfileobj(reader, writer)
    # Only now: between the first name and the last the table and its manifest do not fit.
    for name in names:
        filesystem.move(staging[name], f"{base}/{name}")
