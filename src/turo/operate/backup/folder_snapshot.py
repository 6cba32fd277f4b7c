"""A folder as it is at one moment, though others write to it.

Who writes here writes beside and renames. So files that belong together are opened together, which takes
milliseconds, and read afterwards: what was open stays what it was, even where another has its name by then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from turo.errors import ConfigError
from turo.operate.backup.archive_writer import ArchiveWriter
from turo.patience import Patience

ASIDE = ".before-rollback"  # what a failed upgrade left, beside what came back from the archive
REPLACED = "before-restore"  # where a restore puts the sample's files of a fresh checkout
LEFT_OUT = ("README.md", ".gitkeep", ".DS_Store", ASIDE, REPLACED)  # of the checkout, or of nobody
UNFINISHED = (".tmp", ".lock")  # ends of hidden names: what is being written, and who writes
MOST_TOGETHER = 400  # open files of one moment; a process may have 1024
SETTLING = Patience(0.2, within_s=5.0)


def files(
    folder: Path, unless: Callable[[Path], bool] = lambda path: False, needed: bool = False
) -> tuple[list[Path], list[str]]:
    """Files below a folder in order, and sentences on what is not taken along.

    Args:
        needed: all of them: without one the archive is worth nothing.

    Raises:
        ConfigError: a folder that is needed cannot be read.
    """
    found, notes = list[Path](), list[str]()

    def unreadable(error: OSError) -> None:
        if needed and isinstance(error, PermissionError):
            raise _hole(error.filename) from error
        if not isinstance(error, FileNotFoundError):
            notes.append(f"{error.filename} cannot be read ({error.strerror}): not in the archive.")

    for place, folders, names in os.walk(folder, onerror=unreadable):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in names:
            path = Path(place) / name
            unfinished = name[0] == "." and name.endswith(UNFINISHED)
            if unfinished or (path.parent == folder and name in LEFT_OUT) or unless(path):
                continue
            if path.is_symlink() or not path.is_file():
                if path.is_symlink() or path.exists():
                    notes.append(f"{path} is no plain file: not in the archive.")
                continue
            found.append(path)
    return sorted(found), notes


def add_together(
    archive: ArchiveWriter, folder: Path, prefix: str, unless: Callable[[Path], bool]
) -> list[str]:
    """Add the files of a folder as they are at one moment, but those that `unless` is true of.

    Returns:
        Sentences on what is not as it should be.
    """
    with ExitStack() as stack:
        opened = dict[Path, IO[bytes]]()

        def look() -> bool:
            stack.close()
            opened.clear()
            before = _states(files(folder, unless)[0])
            for path in list(before)[:MOST_TOGETHER]:
                try:
                    opened[path] = stack.enter_context(path.open("rb"))
                except OSError:
                    continue  # gone again, or not readable: `_add` says so
            return before == _states(files(folder, unless)[0])

        settled = SETTLING.poll(look)
        found, notes = files(folder, unless)
        if not settled:
            notes.append(
                f"Files in {folder} changed all the time while they were read: they may not fit together."
            )
        for path in sorted({*found, *opened}):
            notes += _add(archive, path, f"{prefix}/{path.relative_to(folder).as_posix()}", opened.get(path))
    return notes


def add_one_by_one(
    archive: ArchiveWriter, folder: Path, prefix: str, wanted: Iterable[Path], needed: bool = False
) -> list[str]:
    """Add files each of which stands for itself; notes as `add_together`.

    Raises:
        ConfigError: one that is `needed` cannot be read.
    """
    return [
        note
        for path in wanted
        for note in _add(archive, path, f"{prefix}/{path.relative_to(folder).as_posix()}", None, needed)
    ]


def _hole(path: object) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read, and a backup without it would be worthless: none was made, older ones stay.",
        "`docker compose run --rm bootstrap` gives everything in the shared folders to the containers.",
    )


def _states(paths: Iterable[Path]) -> dict[Path, tuple[int, int, int]]:
    return dict(_state(paths))


def _state(paths: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    for path in paths:
        try:
            seen = path.stat()
        except FileNotFoundError:
            continue
        yield path, (seen.st_ino, seen.st_size, seen.st_mtime_ns)


def _add(
    archive: ArchiveWriter, path: Path, name: str, opened: IO[bytes] | None, needed: bool = False
) -> list[str]:
    try:
        with opened or path.open("rb") as source:
            whole = archive.add_open_file(name, source)
    except FileNotFoundError:
        return []  # removed meanwhile: it was not to stay
    except PermissionError as error:
        if needed:
            raise _hole(path) from error
        return [f"{path} cannot be read ({error.strerror}): not in the archive."]
    return (
        [] if whole else [f"{path} was written to all the while: what is in the archive may be half of it."]
    )
