"""Reads archives from the first to the last byte, and believes nothing that their list does not confirm."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from turo.errors import InputError
from turo.files import CHUNK
from turo.operate.backup.manifest import MANIFEST, Digest, Manifest, read_manifest

# What an archive may hold; anything else is from somebody else.
FOLDERS = ("artifacts", "datas", "postgres", "project", "secrets")
FILES = ("mlflow.db",)
LARGEST_MANIFEST = 256 << 20  # bytes
ANOTHER = "Take another archive of `turo backup --list`."


class Source(Protocol):
    """What a member is read from."""

    def read(self, size: int = -1, /) -> bytes: ...


Take = Callable[[tarfile.TarInfo, Source], None]


class _Counted:
    """A member that is hashed while it is read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        self._digest.update(block)
        self._size += len(block)
        return block

    def rest(self) -> Digest:
        """Of the whole member, what nobody read of it included."""
        while self.read(CHUNK):
            pass
        return Digest(self._size, self._digest.hexdigest())


def verify(path: Path) -> Manifest:
    """Read an archive whole.

    Raises:
        InputError: it is damaged, cut short, not ours, or holds what could leave its folder.
    """
    return read_archive(path, lambda member, source: None)


def read_archive(path: Path, take: Take) -> Manifest:
    """Hand every member to `take`, in their order, then see that all of them were what the list says.

    What `take` was handed may be wrong until this returns: it must be held back until then.

    Raises:
        InputError: as `verify`.
    """
    found: dict[str, Digest] = {}
    manifest: Manifest | None = None
    try:
        with _open(path) as raw, gzip.open(raw) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            for member in tar:
                if manifest is not None:
                    raise _refused(path, f"something follows its {MANIFEST}")
                _check(path, member, found)
                source = tar.extractfile(member)
                if source is None:
                    raise _refused(path, f"{member.name!r} cannot be read")
                if member.name == MANIFEST:
                    manifest = read_manifest(source.read(LARGEST_MANIFEST), path.name)
                    continue
                counted = _Counted(source)
                take(member, counted)
                found[member.name] = counted.rest()
            while packed.read(CHUNK):
                pass  # the end of the compressed stream has its own check sum
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, UnicodeError) as error:
        raise InputError(f"{path} is damaged or no archive: {error}.", ANOTHER) from error
    if manifest is None:
        raise InputError(
            f"{path} has no {MANIFEST}: it is cut short, or no backup of this platform.", ANOTHER
        )
    _compare(path, manifest, found)
    return manifest


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"There is no {path}.", "`turo backup --list` names the archives.") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.",
            "Give an archive of `turo backup --list`; one that belongs to somebody else needs `sudo chown`.",
        ) from error


def _check(path: Path, member: tarfile.TarInfo, found: dict[str, Digest]) -> None:
    name = PurePosixPath(member.name)
    if not member.isreg():
        raise _refused(path, f"{member.name!r} is a link, a folder or a device, and a backup has none")
    if name.is_absolute() or ".." in name.parts or str(name) != member.name or "\0" in member.name:
        raise _refused(path, f"{member.name!r} would be written outside of its folder")
    known = member.name in {MANIFEST, *FILES} or (len(name.parts) > 1 and name.parts[0] in FOLDERS)
    if not known:
        raise _refused(path, f"{member.name!r} is nothing that a backup of this platform holds")
    if member.name in found:
        raise _refused(path, f"{member.name!r} is in it twice")


def _compare(path: Path, manifest: Manifest, found: dict[str, Digest]) -> None:
    listed = manifest.members
    if missing := sorted(set(listed) - set(found)):
        raise InputError(f"{path} is damaged: {missing[0]} is in its list, not in it.", ANOTHER)
    if foreign := sorted(set(found) - set(listed)):
        raise InputError(f"{path} was changed: {foreign[0]} is not in its list.", ANOTHER)
    for name, digest in found.items():
        if digest != listed[name]:
            raise InputError(f"{path} is damaged: {name} is not what its list says (SHA-256).", ANOTHER)


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} is refused: {why}.", "Restore only archives that `turo backup` made. " + ANOTHER
    )
