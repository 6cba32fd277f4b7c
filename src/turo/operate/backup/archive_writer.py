"""Writes an archive: a tar in gzip whose last member is the list of all others."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from turo.files import CHUNK
from turo.operate.backup.manifest import MANIFEST, Digest, Manifest

IN_MEMORY = 8 << 20  # bytes of a member that are kept there before it goes to disk
READINGS = 3  # of a file that changes while it is read
LEVEL = 1  # most of the bytes are compressed already: more effort costs minutes and wins little


class ArchiveWriter:
    """Adds members; what others write to is copied first, so that its size is right in any case."""

    def __init__(self, tar: tarfile.TarFile, spool: Path) -> None:
        self._tar = tar
        self._spool = spool
        self.members: dict[str, Digest] = {}

    def add_open_file(self, name: str, source: IO[bytes]) -> bool:
        """Add the file that is open, with its owner, rights and time.

        Returns:
            False where it was written to during each of several readings: the archive may have half of it.
        """
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(self._spool)) as copy:
            for _ in range(READINGS):
                before = os.fstat(source.fileno())
                for handle in (source, copy):
                    handle.seek(0)
                copy.truncate()
                digest = _copy(source, copy)
                after = os.fstat(source.fileno())
                if whole := (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    break
            copy.seek(0)
            self._write(_member(name, after), digest, copy)
        return whole

    def add_still_file(self, name: str, source: IO[bytes]) -> None:
        """Add the open file that nobody writes to: it is read twice, and never lies on the disk twice."""
        about = os.fstat(source.fileno())
        digest = hashlib.file_digest(source, hashlib.sha256).hexdigest()  # type: ignore[arg-type]
        source.seek(0)
        self._write(_member(name, about), Digest(about.st_size, digest), source)

    def _write(self, member: tarfile.TarInfo, digest: Digest, source: IO[bytes]) -> None:
        member.size = digest.size
        self._tar.addfile(member, source)
        self.members[member.name] = digest

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, after which comes nothing."""
        text = manifest.to_json()
        member = tarfile.TarInfo(MANIFEST)
        member.size = len(text)
        self._tar.addfile(member, io.BytesIO(text))


def _member(name: str, about: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.mtime = about.st_mode & 0o777, int(about.st_mtime)
    member.uid, member.gid = about.st_uid, about.st_gid
    return member


def _listed(folder: Path) -> bool:
    """Whether what is made in a folder gets an access list."""
    if not hasattr(os, "getxattr"):  # but on Linux
        return False
    try:
        return bool(os.getxattr(folder, "system.posix_acl_default"))
    except OSError:  # it has none, or its file system knows none
        return False


def _copy(source: IO[bytes], target: IO[bytes]) -> Digest:
    digest, size = hashlib.sha256(), 0
    while block := source.read(CHUNK):
        target.write(block)
        digest.update(block)
        size += len(block)
    return Digest(size, digest.hexdigest())


@contextmanager
def archive_writer(path: Path, spool: Path) -> Iterator[ArchiveWriter]:
    """Write a new archive that only its owner reads, and whom the folder's access list names; it is on disk
    when the block ends.

    Args:
        path: of the archive, which must not be there.
        spool: folder for copies of large members.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        if _listed(path.parent):
            os.fchmod(descriptor, 0o660)  # the mask of the list: 0600 would shut out everybody on it
        with (
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=LEVEL) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            yield ArchiveWriter(tar, spool)
        raw.flush()
        os.fsync(raw.fileno())
