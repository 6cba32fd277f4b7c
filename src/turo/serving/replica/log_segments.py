"""The files of a prediction log: counts their rows, removes the oldest, merges small ones.

Several replicas write beside each other, each its own growing file. Who writes holds the folder's lock, for
it makes room among the files of the others first; a process that is killed leaves whole files and no lock.
"""

from __future__ import annotations

import fcntl
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

import polars as pl

from turo.patience import Patience

logger = logging.getLogger(__name__)

STAMP = "%Y%m%dT%H%M%S%f"
OPEN_FOR = timedelta(hours=1)  # after that a replica begins a new file, even if this one is small
CLOSED_AFTER = 2 * OPEN_FOR  # no replica writes to a file that is older
LOOK_AGAIN_S, LOOKS = 0.05, 5  # a replica removes a few files every ten seconds at most
LEFTOVER_S = 600.0  # a temporary file that old belongs to a writer that was killed


class Facts(NamedTuple):
    """Of one file, from its footer: no row is read."""

    rows: int
    newest: float  # when its newest row was answered, seconds since 1970


def segments(folder: Path) -> list[Path]:
    """Files of one model, by when they were begun."""
    return sorted(folder.glob("*.parquet"))


@contextmanager
def opened(folder: Path) -> Iterator[list[IO[bytes]]]:
    """The same, open for reading: what a replica removes from then on can still be read.

    Rows of a file that was removed before it could be opened may have moved into a newer one: if any was, all
    are looked for again.
    """
    with ExitStack() as stack:

        def look() -> list[IO[bytes] | None]:
            return [_opened(path, stack) for path in segments(folder)]

        found = Patience(LOOK_AGAIN_S, tries=LOOKS).poll(look, done=lambda files: None not in files)
        yield [file for file in found if file is not None]


def _opened(path: Path, stack: ExitStack) -> IO[bytes] | None:
    try:
        return stack.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None


def new_path(folder: Path) -> Path:
    """A file of this replica alone, begun now."""
    return folder / f"{datetime.now(UTC).strftime(STAMP)}-{uuid.uuid4().hex[:6]}.parquet"


def age(path: Path) -> timedelta:
    """How long ago a file was begun; nothing for one that is not ours."""
    try:
        begun = datetime.strptime(path.stem.rpartition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return timedelta()
    return datetime.now(UTC) - begun


def facts(path: Path) -> Facts | None:
    """What the footer says; None if the file has been removed meanwhile, or is no parquet file."""
    try:
        found = path.stat()
        # Not by its time alone: a kernel may stamp what is written within milliseconds alike.
        return _facts(path, (found.st_ino, found.st_mtime_ns, found.st_size))
    except FileNotFoundError:
        return None


@lru_cache(maxsize=256)
def _facts(path: Path, state: tuple[int, int, int]) -> Facts | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(path)
    except pa.ArrowInvalid as error:  # it must not keep the log from being written
        logger.warning("%s is damaged and not counted; remove it: %s", path, error)
        return None
    groups = [footer.row_group(number).column(0) for number in range(footer.num_row_groups)]
    times = [g.statistics.max for g in groups if g.path_in_schema == "at" and g.statistics is not None]
    newest = max((at.timestamp() for at in times), default=state[1] / 1e9)
    return Facts(footer.num_rows, newest)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it is free again when the process ends, however it ends."""
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_room(folder: Path, path: Path, rows: int) -> None:
    """Keep the files with the newest rows, as many as hold no more than `rows` together, beside `path`.

    The caller holds the lock.
    """
    known = [(found, other) for other in segments(folder) if other != path and (found := facts(other))]
    for found, other in sorted(known, key=lambda one: one[0].newest, reverse=True):
        rows -= found.rows
        if rows < 0:
            other.unlink(missing_ok=True)


def closed(folder: Path, max_rows: int) -> list[Path]:
    """Small files of replicas that have ended, of fewer than `max_rows` together: they can become one."""
    chosen, rows = [], 0
    for path in segments(folder):
        found = facts(path) if age(path) > CLOSED_AFTER else None
        if found and rows + found.rows < max_rows:
            chosen.append(path)
            rows += found.rows
    return chosen


def merged(paths: Sequence[Path]) -> pl.DataFrame:
    """The rows of some files, by when they were answered."""
    return pl.concat([pl.read_parquet(path) for path in paths], how="diagonal_relaxed").sort("at")


def write(path: Path, rows: pl.DataFrame) -> None:
    """Replace a file as a whole."""
    from turo.files import atomic_path

    with atomic_path(path) as temporary:
        rows.write_parquet(temporary, compression="zstd")


def remove_leftovers(folder: Path) -> None:
    """Take away the temporary files of writers that were killed; younger ones may have a living writer."""
    for path in folder.glob(".*.tmp"):
        try:
            if time.time() - path.stat().st_mtime > LEFTOVER_S:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
