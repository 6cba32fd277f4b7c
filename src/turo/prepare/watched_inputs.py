"""Whether the input files of a data folder are others than those that were prepared or checked last.

Asked often, by processes that have none of the data libraries: this module needs the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from turo.files import atomic_path, sha256
from turo.last_runs import FOLDER
from turo.table.names import MANIFEST, ORACLE, ORACLE_TOTALS, OUTPUTS

CHECKED = f"{FOLDER}/checked-files"  # below the data folder: name -> sha256 of what was checked last
# Our own output, whatever a glob says; prefixes, so that forecasts, their totals and their pages are in it.
OURS = (*OUTPUTS, ORACLE, ORACLE_TOTALS, "forecast", "report", "track-record", ".")

State = tuple[int, int, int]  # size in bytes, time of change in ns, inode


def states(folder: Path, names: Iterable[str]) -> dict[str, State]:
    """What the file system says of each input file: cheap, and other once a file was replaced or written to.

    Args:
        names: as RESERVATIONS_FILE: each a name, several by comma, or a glob below the folder.
    """
    found = {}
    for path in sorted({path for each in names for path in _matching(folder, each)}):
        name = path.relative_to(folder).as_posix()
        try:
            told = path.stat()
        except FileNotFoundError:  # moved away between the two looks
            continue
        found[name] = (told.st_size, told.st_mtime_ns, told.st_ino)
    return found


def digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """sha256 of each of these files; one that went away meanwhile is left out."""
    found = {}
    for name in names:
        try:
            found[name] = sha256(folder / name)
        except FileNotFoundError:
            continue
    return found


def is_news(folder: Path, now: Mapping[str, str]) -> bool:
    """Whether any of these files (name -> sha256) was neither prepared nor checked as it is now.

    Before the first table there is no news: the first start prepares it.
    """
    prepared = _read(folder / MANIFEST).get("inputs", {})
    if not prepared:
        return False
    checked = _read(folder / CHECKED)
    known = {name: {entry.get("sha256"), checked.get(name)} for name, entry in prepared.items()}
    return any(sha not in known.get(name, {checked.get(name)}) for name, sha in now.items())


def remember(folder: Path, checked: Mapping[str, str]) -> None:
    """Note what was checked (name -> sha256), however it ended: it is not news any more."""
    with atomic_path(folder / CHECKED) as temporary:
        temporary.write_text(json.dumps(dict(checked), indent=2), encoding="utf-8")


def _matching(folder: Path, names: str) -> list[Path]:
    listed = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        if any(sign in name for sign in "*?["):
            tree = folder.rglob("*") if "/" in name else folder.iterdir()
            listed += [path for path in tree if fnmatch(path.relative_to(folder).as_posix(), name)]
        else:
            listed.append(folder / name)
    return [path for path in listed if path.is_file() and not path.name.startswith(OURS)]


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none yet, or none that can be read (then everything is news)."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
