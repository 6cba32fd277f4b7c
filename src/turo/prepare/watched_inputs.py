"""Whether the input files of a data folder are others than those that were prepared or checked last.

Asked often, by processes that have none of the data libraries: this module needs the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from turo import last_runs
from turo.files import atomic_path, sha256
from turo.last_runs import FOLDER
from turo.table.names import (
    FLEETS,
    MANIFEST,
    ORACLE,
    ORACLE_TOTALS,
    OTHER_FLEETS,
    OUTPUTS,
    TRACES,
    VEHICLE_KEYS,
)

CHECK = "check"  # the step, as its last run is noted
CHECKED = (
    f"{FOLDER}/checked-files"  # below the data folder: name -> sha256 of what was prepared or refused last
)
# Our own output, whatever a glob says: by the first part of a path below the data folder.
OURS = (*OUTPUTS, *TRACES, ORACLE, ORACLE_TOTALS, VEHICLE_KEYS, OTHER_FLEETS, FOLDER, ".*")
UNREADABLE = "unreadable"  # in the place of a digest: the check, which may read more, tells what is wrong

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
        except OSError:
            found[name] = UNREADABLE
    return found


def is_news(folder: Path, now: Mapping[str, str]) -> bool:
    """Whether any of these files (name -> sha256) was neither prepared nor refused as it is now.

    Before a folder's first table there is no news: the first start prepares it. Files that are good again
    after a refused check are news, too: a check takes the refusal back. A file that is taken away is none.
    """
    prepared = _read(folder / MANIFEST).get("inputs", {})
    if not prepared and not (folder / FLEETS).exists():  # once there, it outlives `turo reset-sample`
        return False
    checked = _read(folder / CHECKED)
    if checked != now and any(run.step == CHECK and run.problem for run in last_runs.read(folder)):
        return True
    known = {name: {entry.get("sha256"), checked.get(name)} for name, entry in prepared.items()}
    return any(sha not in known.get(name, {checked.get(name)}) for name, sha in now.items())


def is_prepared(folder: Path, now: Mapping[str, str]) -> bool:
    """Whether the table was made of these files (name -> sha256) as they are."""
    return (folder / MANIFEST).exists() and not is_news(folder, now)


def remember(folder: Path, checked: Mapping[str, str]) -> None:
    """Note what was prepared or refused (name -> sha256): it is not news any more."""
    with atomic_path(folder / CHECKED) as temporary:
        temporary.write_text(json.dumps(dict(checked), indent=2), encoding="utf-8")


def _matching(folder: Path, names: str) -> list[Path]:
    listed = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        if any(sign in name for sign in "*?["):
            tree = folder.rglob("*") if "/" in name else folder.iterdir()
            listed += [path for path in tree if fnmatch(path.relative_to(folder).as_posix(), name)]
        else:
            listed.append(folder / name.lstrip("/"))
    return [path for path in listed if path.is_file() and not _ours(path.relative_to(folder))]


def _ours(path: Path) -> bool:
    return any(fnmatch(path.parts[0], pattern) for pattern in OURS)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none yet, or none that can be read (then everything is news)."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
