"""Whether the input files of a data folder are others than those that were prepared or checked last.

Asked often, by processes that have none of the data libraries: this module needs the standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from turo import last_runs
from turo.files import sha256
from turo.prepare import input_notes
from turo.table.names import (
    COSTS,
    EXPORT,
    FLEETS,
    MANIFEST,
    ORACLE,
    ORACLE_TOTALS,
    OTHER_FLEETS,
    OUTPUTS,
    REPORT,
    REPORT_MADE,
    TRACES,
    VEHICLE_KEYS,
)

# Our own output, whatever a glob says: by the first part of a path below the data folder.
OURS = (*OUTPUTS, *TRACES, ORACLE, ORACLE_TOTALS, VEHICLE_KEYS, OTHER_FLEETS, last_runs.FOLDER, ".*")
UNREADABLE = "unreadable"  # in the place of a digest: the check, which may read more, tells what is wrong

State = input_notes.State


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


def is_news(folder: Path, now: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether these files (name -> sha256) are to be checked, and prepared if they are good.

    Before a folder's first table there is no news: the first start prepares it; unless that failed or was
    killed, with other files. Those of the table, back after others were refused or could not be prepared, are
    news, too: a check takes the refusal or the failure back. Without reservations there is none: whatever
    else changed, nothing could be read.

    Args:
        names: RESERVATIONS_FILE, VEHICLES_FILE, BLOCKS_FILE.
    """
    now = _inputs(now)
    if not _readable(now, names):
        return False
    if input_notes.CHECK in _failed(folder):
        return now != input_notes.read(folder / input_notes.REFUSED)
    # FLEETS, once there, outlives `turo reset-sample`.
    is_first = not input_notes.prepared(folder) and not (folder / FLEETS).exists()
    return input_notes.others_failed(folder, now) or (not is_first and is_unprepared(folder, now, names))


def is_unprepared(folder: Path, now: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether there is no table, or one of other files than these (name -> sha256).

    A file that is gone counts where the input is whole without it: BLOCKS_FILE, beside an export also
    VEHICLES_FILE. Of another one the front door tells; what was made of it stays.
    """
    now, prepared = _inputs(now), input_notes.prepared(folder)
    taken = input_notes.read(folder / input_notes.CHECKED) if prepared else {}
    if any(sha != (prepared.get(name) or taken.get(name)) for name, sha in now.items()):
        return True
    return any(name not in now and is_optional(folder, name, names) for name in prepared)


def is_optional(folder: Path, name: str, names: Sequence[str]) -> bool:
    """Whether the input is whole without this file: one of BLOCKS_FILE, beside an export of VEHICLES_FILE."""
    beside_export = input_notes.read(folder / MANIFEST).get("profile") == EXPORT
    return any(_named(name, each) for each in names[1 if beside_export else 2 :])


def is_missed(folder: Path, name: str, names: Sequence[str]) -> bool:
    """Whether nothing can be prepared for want of this file; not of one export of several that a glob names.

    Raises:
        OSError: the folder cannot be looked at.
    """
    if is_optional(folder, name, names):
        return False
    asked = [part for each in names for part in _parts(each) if fnmatch(name, part)]
    return any(not states(folder, [part]) for part in asked)


def wants_report(folder: Path, now: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether the newest report was made with another costs.csv, or with one where there is none now.

    Not where a check refuses the other files, without which no report can be made.
    """
    made = _made(folder)
    if not made or input_notes.CHECK in _failed(folder) or not _readable(now, names):
        return False
    return bool(now.get(COSTS, "") != made.get("costs", ""))


def gone(folder: Path, now: Iterable[str]) -> list[str]:
    """What table and newest report were made of and what is away: for good, or about to be replaced."""
    costs = [COSTS] if _made(folder).get("costs") and COSTS not in now else []
    return [*input_notes.state(folder).gone, *costs]


def grounds(folder: Path) -> tuple[object, object]:
    """What `is_news` and what `wants_report` compare files with."""
    refused = input_notes.read(folder / input_notes.REFUSED)
    return (input_notes.prepared(folder), refused), _made(folder).get("costs")


def _made(folder: Path) -> dict[str, Any]:
    return input_notes.read(folder / REPORT / REPORT_MADE)


def _failed(folder: Path) -> set[str]:
    return {run.step for run in last_runs.read(folder) if run.problem}


def _inputs(now: Mapping[str, str]) -> dict[str, str]:
    return {name: sha for name, sha in now.items() if name != COSTS}


def _readable(now: Iterable[str], names: Sequence[str]) -> bool:
    """Whether every reservations file that is asked for is there."""
    return all(any(fnmatch(name, part) for name in now) for part in _parts(names[0]))


def _named(name: str, names: str) -> bool:
    return any(fnmatch(name, part) for part in _parts(names))


def _parts(names: str) -> list[str]:
    """Each name or glob in the one form in which files are known: without ./, // or a leading /."""
    given = filter(None, (part.strip() for part in names.split(",")))
    return [PurePosixPath(part.lstrip("/")).as_posix() for part in given]


def _matching(folder: Path, names: str) -> list[Path]:
    listed = []
    for name in _parts(names):
        if any(sign in name for sign in "*?["):
            tree = folder.rglob("*") if "/" in name else folder.iterdir()
            listed += [path for path in tree if fnmatch(path.relative_to(folder).as_posix(), name)]
        else:
            listed.append(folder / name)
    return [path for path in listed if path.is_file() and not _ours(path.relative_to(folder))]


def _ours(path: Path) -> bool:
    return any(fnmatch(path.parts[0], pattern) for pattern in OURS)
