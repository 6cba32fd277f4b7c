"""What is on record of the input files: what the table was made of, what a check refused or let pass.

Asked often, by processes that have none of the data libraries: this module needs the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from turo import last_runs
from turo.files import atomic_path
from turo.table import lock
from turo.table.names import MANIFEST

CHECK, PREPARE = "check", lock.PREPARE  # the steps, as their last runs are noted
# Below the data folder, name -> sha256. Of the first: also of files that lie there but are left out by the
# step, which no manifest names (the sample's vehicles.csv beside an export).
CHECKED = f"{last_runs.FOLDER}/checked-files"  # as they were when the table was made
REFUSED = f"{last_runs.FOLDER}/refused-files"  # as they were when the last check refused them
TRIED = f"{last_runs.FOLDER}/tried-files"  # as they were when the last preparation began
# When a check let them pass, and how they lay there then; gone once they are prepared.
PASSED = f"{last_runs.FOLDER}/passed-files"

State = tuple[int, int, int]  # size in bytes, time of change in ns, inode


@dataclass(frozen=True)
class InputState:
    """What a person may have to be told of the input files.

    Attributes:
        gone: those that the table was made of and that are not there any more.
        read_at: when the table was made, ISO; empty before the first.
        passed_at: since when files that passed their check wait to be prepared, ISO; empty where none do.
    """

    gone: list[str]
    read_at: str = ""
    passed_at: str = ""


def state(folder: Path) -> InputState:
    """Cheap enough for every page: no file is read but the notes."""
    gone = [name for name in prepared(folder) if _is_gone(folder / name)]
    made = str(read(folder / MANIFEST).get("created_at", ""))
    kept = read(folder / PASSED)
    passed = str(kept.get("at", ""))
    waits = passed >= made and _lie_there(folder, kept.get("files"))
    return InputState(gone, made, passed if waits else "")


def prepared(folder: Path) -> dict[str, str]:
    """Name below the folder -> sha256 of each file that the table was made of; empty without a table."""
    inputs = read(folder / MANIFEST).get("inputs")
    if not isinstance(inputs, dict):
        return {}
    return {
        PurePosixPath(name.lstrip("/")).as_posix(): str(entry.get("sha256", ""))
        for name, entry in inputs.items()
        if isinstance(entry, dict)
    }


def tried(folder: Path, found: Mapping[str, str]) -> None:
    """A preparation of these files (name -> sha256) begins."""
    _write(folder / TRIED, found)


def taken(folder: Path, found: Mapping[str, str]) -> None:
    """The table was made of these files (name -> sha256): an earlier check's refusal is over."""
    _write(folder / CHECKED, dict(found))
    (folder / PASSED).unlink(missing_ok=True)
    told = {run.step: run for run in last_runs.read(folder)}
    check, prepare = told.get(CHECK), told.get(PREPARE)
    if check and check.problem and not (prepare and prepare.began < check.began):
        last_runs.forget(folder, CHECK)


def refused(folder: Path, found: Mapping[str, str]) -> None:
    """A check refused these files: they are no news until one of them is another."""
    _write(folder / REFUSED, dict(found))
    (folder / PASSED).unlink(missing_ok=True)


def passed(folder: Path, files: Mapping[str, State]) -> None:
    """A check found files that are to be prepared; they wait for as long as they lie there as they are."""
    # Without the inode: the front door may see the folder through another mount.
    lie: dict[str, list[int]] = {name: [size, changed] for name, (size, changed, _) in files.items()}
    away: dict[str, list[int]] = {name: [] for name in prepared(folder) if name not in files}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    _write(folder / PASSED, {"at": at, "files": lie | away})


def settled(folder: Path, found: Mapping[str, str]) -> None:
    """A check found the table to be of these files: none waits, and what befell others is over."""
    (folder / PASSED).unlink(missing_ok=True)
    if others_failed(folder, found):
        last_runs.forget(folder, PREPARE)


def others_failed(folder: Path, found: Mapping[str, str]) -> bool:
    """Whether the last preparation failed, or was killed, and was one of other files than these."""
    last = next((run for run in last_runs.read(folder) if run.step == PREPARE), None)
    if last is None or read(folder / TRIED) == found:
        return False
    return bool(last.problem) or (not last.ended and lock.is_free(folder))


def read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none yet, or none that can be read (then everything is news)."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_gone(path: Path) -> bool:
    """Of a file that cannot be looked for, below a folder that is closed, nothing is said."""
    try:
        return not path.is_file()
    except OSError:
        return False


def _lie_there(folder: Path, files: object) -> bool:
    """Whether files are as `passed` kept them; a note of an earlier release names none."""
    return not isinstance(files, dict) or all(_lies(folder / name) == kept for name, kept in files.items())


def _lies(path: Path) -> list[int]:
    """Size in bytes and time of change in ns; empty where there is no file that can be looked at."""
    try:
        told = path.stat()
    except (OSError, ValueError):
        return []
    return [told.st_size, told.st_mtime_ns]


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
