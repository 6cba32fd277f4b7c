"""What archives are called, which files of a folder are some, and what the newest lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from turo.files import atomic_path

HOLES = "notes.json"  # beside the archives: to read the newest for its notes takes as long as to make it
STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"turo-(\d{8}T\d{6}Z)-([0-9][0-9A-Za-z.+]*)(-kept)?\.tar\.gz")


@dataclass(frozen=True)
class Archive:
    """An archive as its name tells of it.

    Attributes:
        made_at: UTC, when the backup began.
        version: of the package `turo` that made it.
        kept: it makes no room for others.
    """

    path: Path
    made_at: datetime
    version: str
    kept: bool


def archive_name(made_at: datetime, version: str, kept: bool = False) -> str:
    """`turo-20261128T033000Z-0.1.0.tar.gz`, or `…-0.1.0-kept.tar.gz`."""
    return f"turo-{made_at.astimezone(UTC).strftime(STAMP)}-{version}{'-kept' if kept else ''}.tar.gz"


def as_archive(path: Path) -> Archive | None:
    """None for a file that is not called as ours are, and for what is no file."""
    found = NAME.fullmatch(path.name)
    if found is None or path.is_symlink() or not path.is_file():
        return None
    try:
        made_at = datetime.strptime(found[1], STAMP).replace(tzinfo=UTC)
    except ValueError:  # the 31st of a month that has 30 days
        return None
    return Archive(path, made_at, found[2], bool(found[3]))


def archives(folder: Path) -> list[Archive]:
    """Those in a folder, newest first; none where the folder is not there."""
    found = filter(None, map(as_archive, folder.glob("turo-*.tar.gz")))
    return sorted(found, key=lambda archive: (archive.made_at, archive.path.name), reverse=True)


def note_holes(archive: Path, notes: Sequence[str]) -> None:
    """Keep what an archive lacks beside it, instead of what was kept of an older one."""
    path = archive.with_name(HOLES)
    if not notes:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({"archive": archive.name, "notes": list(notes)}), encoding="utf-8")


def holes(folder: Path) -> list[str]:
    """Sentences on what the newest archive lacks, or may have half of; none where nothing is known of it."""
    found = archives(folder)
    try:
        told = json.loads((folder / HOLES).read_text(encoding="utf-8"))
        known = bool(found) and told["archive"] == found[0].path.name
        return [str(note) for note in told["notes"]] if known else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
