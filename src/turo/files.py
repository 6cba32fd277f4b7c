"""Whole files or nothing: atomic writes, digests, and where a folder lies."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo.errors import InputError

if TYPE_CHECKING:
    from pyarrow import fs

CHUNK = 1 << 20  # bytes; behind a URL every piece may be a request of its own
FILE_MODE = 0o664
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+://")


@contextmanager
def atomic_path(path: Path, flushed: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed to disk and renamed, on error removed.

    Readers therefore see the old complete file or the new complete file, never a half.

    Args:
        flushed: the caller brings the file to disk itself; the renaming then waits for no disk.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        if not flushed:
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
        temporary.chmod(FILE_MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path, name: str = "*") -> list[Path]:
    """Remove the temporary files a killed writer of `name` left in `folder`; returns what was removed."""
    leftovers = sorted(folder.glob(f".{name}.????????.tmp"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return leftovers


def folder(location: str) -> tuple[fs.FileSystem, str]:
    """File system and path of a folder given as a path or a URL.

    Raises:
        InputError: it is neither.
    """
    from pyarrow import ArrowException, fs

    try:
        if SCHEME.match(location):
            return fs.FileSystem.from_uri(location)
        return fs.LocalFileSystem(), str(Path(location).expanduser().resolve())
    except (ArrowException, ValueError, OSError) as error:
        raise InputError(
            f"DATA_DIR={location!r} cannot be opened: {error}.",
            "Give a folder, or a URL such as s3://bucket/folder.",
        ) from error


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's content."""
    with path.open("rb") as handle:
        return sha256_of(handle)


def sha256_of(handle: Any) -> str:
    """Hex SHA-256 of what is left to read of an open binary file, a piece at a time."""
    digest = hashlib.sha256()
    while block := handle.read(CHUNK):
        digest.update(block)
    return digest.hexdigest()


def sha256_folder(folder: Path) -> str:
    """Hex SHA-256 over the relative names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(bytes.fromhex(sha256(path)))
    return digest.hexdigest()
