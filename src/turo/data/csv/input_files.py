"""Where the input lies: a folder, or any URL that pyarrow's file systems read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ConfigError, InputError
from turo.files import folder
from turo.words import by_number

if TYPE_CHECKING:
    from pyarrow import fs

OTHER_ENDINGS = (
    ".xlsx",
    ".xlsm",
    ".xlsb",
    ".xls",
    ".ods",
    ".numbers",
    ".tsv",
    ".txt",
    ".csv.gz",
    ".zip",
    ".gz",
)

HEAD, ID = 8_192, "reservation id"  # bytes that hold a first line; what only reservations have in it

State = tuple[int, datetime | None]  # size in bytes and time of change


@dataclass(frozen=True)
class Source:
    """One input file. `name` is what errors and reports call it."""

    name: str
    path: str
    filesystem: fs.FileSystem

    def state(self) -> State:
        """Size and time of change as the file system tells them now."""
        info = self.filesystem.get_file_info(self.path)
        return info.size or 0, info.mtime


def find(location: str, names: str) -> list[Source]:
    """Files below `location` that `names` lists: a name, several by comma, or a glob; in order of name."""
    filesystem, base = folder(location)
    found: list[Source] = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        if any(sign in name for sign in "*?["):
            listed = _listing(filesystem, base, recursive="/" in name)
            found += [Source(n, f"{base}/{n}", filesystem) for n in listed if fnmatch(n, name)]
            continue
        source = Source(name, f"{base}/{name}", filesystem)
        if _exists(source):
            found.append(source)
    return sorted({source.path: source for source in found}.values(), key=lambda source: source.name)


def require(location: str, names: str, setting: str) -> list[Source]:
    """Like `find`, but every listed name must be there."""
    if not names.replace(",", "").strip():
        raise ConfigError(f"{setting}={names!r} names no file.", "Set it to a name below DATA_DIR.")
    found = find(location, names)
    have = {source.name for source in found}
    missing = [n for n in (part.strip() for part in names.split(",")) if n and not _matches(n, have)]
    if missing:
        raise _absent(location, missing, setting)
    return found


def _absent(location: str, missing: list[str], setting: str) -> InputError:
    """What is missing; and the file of that name that lies there in another format, if one does."""
    what = f"{', '.join(missing)} not found in {location}"
    others = [name for each in missing for name in of_other_formats(location, each)]
    if not others and setting == "RESERVATIONS_FILE" and (named := of_other_names(location)):
        glob = "trip_earnings_export_*.csv"
        return InputError(
            f"{what}, but {', '.join(named)} {by_number(len(named), 'lies', 'lie')} there.",
            f"Set {setting} to that name, or to a glob ({setting}={glob}), which keeps the day that the name "
            f"tells; or rename the file to {missing[0]} and set AS_OF to the day of the export.",
        )
    if not others:
        return InputError(f"{what}.", f"Put the file there, or set {setting} (and DATA_DIR) to where it is.")
    return InputError(
        f"{what}, but {', '.join(others)} lies there.",
        "Open it and save it as CSV in UTF-8 (in Excel: Save as > CSV UTF-8) "
        f"{_under(missing[0], others[0])}.",
    )


def _under(name: str, other: str) -> str:
    """Under which name a file of another format would be found."""
    return f"as {Path(other).stem}.csv" if any(sign in name for sign in "*?[") else f"under the name {name}"


def of_other_formats(location: str, name: str) -> list[str]:
    """Files that differ from `name` in their ending only: `reservations.xlsx`, `reservations.csv.xlsx`."""
    stem = name.removesuffix(".csv")
    wanted = {f"{each}{ending}" for each in (stem, name) for ending in OTHER_ENDINGS}
    filesystem, base = folder(location)
    listed = _listing(filesystem, base, recursive="/" in name)
    return sorted(n for n in listed if any(fnmatch(n.casefold(), each.casefold()) for each in wanted))


def of_other_names(location: str) -> list[str]:
    """CSV files of the folder whose first line names a reservation id."""
    filesystem, base = folder(location)
    found = []
    for name in sorted(_listing(filesystem, base, recursive=False)):
        if name.casefold().endswith(".csv"):
            try:
                with filesystem.open_input_stream(f"{base}/{name}") as stream:
                    head = stream.read(HEAD).decode("utf-8", "replace").partition("\n")[0]
            except OSError:  # closed to us, or taken away meanwhile: not one that could be named
                continue
            if ID in head.casefold().replace("_", " "):
                found.append(name)
    return found


def _exists(source: Source) -> bool:
    from pyarrow import fs

    return bool(source.filesystem.get_file_info(source.path).type == fs.FileType.File)


def _listing(filesystem: fs.FileSystem, base: str, recursive: bool) -> list[str]:
    """Names of the files below a folder, relative to it."""
    from pyarrow import fs

    selector = fs.FileSelector(base, allow_not_found=True, recursive=recursive)
    files = (info for info in filesystem.get_file_info(selector) if info.type == fs.FileType.File)
    return [info.path.removeprefix(base).lstrip("/") for info in files]


def _matches(name: str, have: set[str]) -> bool:
    return name in have or any(fnmatch(other, name) for other in have)
