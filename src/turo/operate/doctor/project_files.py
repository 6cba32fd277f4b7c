"""What lies in the project's folder: folders and their rights, input files, projects, pins."""

from __future__ import annotations

import os
import re
import stat
import struct
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

from turo.errors import InputError
from turo.operate.backup.places import OVERRIDES
from turo.operate.doctor.checks.folders import ML_USER, SHARED
from turo.operate.doctor.facts import Component, Facts
from turo.operate.doctor.sizes import bytes_of

SERVICE = re.compile(r"^  ([a-z][\w-]*):$")
LIMIT = re.compile(r"^    mem_limit: (?:\$\{([A-Z_]+)[^}]*\}|(\w+))")
OFFERED = re.compile(r"^#?([A-Z][A-Z_0-9]+)=(.*)$", re.MULTILINE)
READ = re.compile(r"\$\{([A-Z][A-Z_0-9]*)")
ACL, READ_WRITE_ENTER = "system.posix_acl_access", 7
OF_USER, OWN_GROUP, OF_GROUP, MASK = 0x02, 0x04, 0x08, 0x10  # tags of Linux's access lists


def offered(folder: Path) -> dict[str, str]:
    """Name → default, of `.env.example`.

    Raises:
        InputError: it is not there, so nothing can be said of `.env`.
    """
    path = folder / ".env.example"
    if not path.is_file():
        raise InputError(
            f"{folder} has no .env.example, so it is not the project's folder.",
            "Start ./doctor.sh there, or name it with --folder.",
        )
    return dict(OFFERED.findall(path.read_text()))


def elsewhere(folder: Path) -> frozenset[str]:
    """Names that a compose file of the user's own reads."""
    found = [path for path in folder.glob("*compose*.y*ml") if path.name != "docker-compose.yml"]
    return frozenset(name for path in found for name in READ.findall(path.read_text(errors="replace")))


def override(folder: Path) -> str:
    """The file that Compose takes by itself where COMPOSE_FILE is not set; empty where there is none."""
    return next((name for name in OVERRIDES if (folder / name).is_file()), "")


def shared(folder: Path, mapped: bool) -> dict[str, bool | None]:
    """Folder → whether user 1000 may write, None where it is missing.

    `mapped`: Docker's machine maps owners itself (macOS, Windows), so rights say nothing: all may.
    """
    found: dict[str, bool | None] = {}
    for name in SHARED:
        path = folder / name
        found[name] = (mapped or writable(path)) if path.is_dir() else None
    return found


def writable(path: Path, user: int = ML_USER) -> bool:
    """Whether that user may make files in a folder: as its owner, by an access list, or as anybody."""
    about = path.stat()
    if about.st_uid == user:
        return bool(about.st_mode & stat.S_IWUSR)
    listed = _by_access_list(path, user)
    return bool(about.st_mode & stat.S_IWOTH) if listed is None else listed


def open_to(path: Path) -> int:
    """A file's permission bits, those of its group for all others of an access list but user 1000."""
    bits, entries = path.stat().st_mode & 0o777, _access_list(path)
    if not entries:
        return bits
    mask = next((rights for tag, rights, _ in entries if tag == MASK), READ_WRITE_ENTER)
    others = 0
    for tag, rights, owner in entries:
        if tag in (OWN_GROUP, OF_GROUP) or (tag == OF_USER and owner != ML_USER):
            others |= rights & mask
    return bits & 0o707 | others << 3


def _access_list(path: Path) -> list[tuple[int, int, int]]:
    """(tag, rights, whose) of each entry; none where there is no list."""
    if not hasattr(os, "getxattr"):
        return []
    try:
        raw = os.getxattr(path, ACL)
    except OSError:  # no list, or a file system without any
        return []
    return [struct.unpack_from("<HHI", raw, at) for at in range(4, len(raw) - 7, 8)]


def _by_access_list(path: Path, user: int) -> bool | None:
    """What the access list says of the user; None where it does not name him, or there is none."""
    entries = _access_list(path)
    mask = next((rights for tag, rights, _ in entries if tag == MASK), READ_WRITE_ENTER)
    own = next((rights for tag, rights, owner in entries if tag == OF_USER and owner == user), None)
    return None if own is None else bool(own & mask & 2)


def inputs(folder: Path) -> dict[str, float]:
    """Path below datas/ → when it was changed; no deeper than a folder, where globs reach."""
    return {path.relative_to(folder / "datas").as_posix(): when for path, when in _files(folder / "datas", 2)}


def newest(folder: Path) -> tuple[str, float]:
    """The file that was changed last among those that the platform and its user write."""
    found = [
        (when, path.relative_to(folder).as_posix())
        for part, depth in (("", 1), ("datas", 2), ("mlruns", 1))
        for path, when in _files(folder / part, depth)
    ]
    when, name = max(found, default=(0.0, ""))
    return name, when


def _files(folder: Path, depth: int) -> Iterator[tuple[Path, float]]:
    """Files and when each was changed; one that vanishes meanwhile is passed over."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if depth > 1 and path.is_dir() and not path.is_symlink():
            yield from _files(path, depth - 1)
        elif path.is_file():
            with suppress(FileNotFoundError):
                yield path, path.stat().st_mtime


def projects(folder: Path) -> frozenset[str]:
    """Folders below mlflow/projects that hold an MLproject."""
    below = folder / "mlflow/projects"
    return frozenset(path.parent.relative_to(below).as_posix() for path in below.glob("**/MLproject"))


def upgrade(folder: Path) -> tuple[str, ...]:
    """Target and step of an upgrade that is under way, as `upgrade.sh` notes them; empty where none is."""
    path = folder / "backups/upgrade.state"
    if not path.is_file():
        return ()
    told = dict(line.partition("=")[::2] for line in path.read_text(errors="replace").splitlines())
    return told.get("target", "an unknown version"), told.get("phase", "unknown")


def components(folder: Path) -> tuple[Component, ...]:
    """The entries of versions.toml; none where the file is not there."""
    path = folder / "versions.toml"
    if not path.is_file():
        return ()
    entries = tomllib.loads(path.read_text())
    return tuple(
        Component(name, str(entry["line"]), entry["ends"] if isinstance(entry["ends"], date) else None)
        for name, entry in entries.items()
    )


def services(folder: Path) -> frozenset[str]:
    """Names of the services in the platform's own compose files."""
    found = [folder / name for name in ("docker-compose.yml", "docker-compose.tls.yml")]
    lines = [line for path in found if path.is_file() for line in path.read_text().splitlines()]
    return frozenset(named[1] for named in map(SERVICE.match, lines) if named)


def limits(folder: Path, known: Facts) -> dict[str, int]:
    """Service → memory limit in bytes, of the compose file; none where an override may set others."""
    path = folder / "docker-compose.yml"
    others = [one for one in folder.glob("*override*.y*ml") if one.is_file()]
    overridden = any("mem_limit" in one.read_text(errors="replace") for one in others)
    if overridden or not path.is_file():
        return {}
    found, service = dict[str, int](), ""
    for line in path.read_text().splitlines():
        if named := SERVICE.match(line):
            service = named[1]
        elif limit := LIMIT.match(line):
            size = bytes_of(known.chosen(limit[1]) if limit[1] else limit[2])
            found |= {service: size} if size else {}
    return found
