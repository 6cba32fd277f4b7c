"""Surrogate ids of vehicles that an export names only by plate or VIN, in a private file beside the data.

`vehicle_keys.csv` has the columns kind (plate, vin, name, vehicle), key, vehicle_id, is readable by its owner
only, and may be edited: two lines with the same vehicle_id are the same vehicle under two plates, and a line
of the kind vehicle joins the Vehicle id `key` to another. Nothing else ever holds a plate.
"""

from __future__ import annotations

import csv
import io
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from turo.errors import InputError
from turo.files import folder
from turo.table.names import VEHICLE_KEYS

FILE = VEHICLE_KEYS
HEADER = ("kind", "key", "vehicle_id")
MODE = 0o600
PREFIX = "car-"
PLATE = "plate"
VEHICLE = "vehicle"  # the kind of lines that join one Vehicle id to another
Key = tuple[str, str]  # (kind, key)


@dataclass
class KeyFile:
    """The known keys of one data folder."""

    location: str
    ids: dict[Key, str] = field(default_factory=dict)
    changed: bool = False

    def assign(self, groups: list[set[Key]]) -> dict[Key, str]:
        """Give every group of keys (one vehicle each) its id: the known one, or the next free surrogate."""
        result = {}
        for group in groups:
            known = sorted({self.ids[key] for key in group if key in self.ids})
            vehicle_id = known[0] if known else self._next()
            for key in sorted(group):
                if self.ids.get(key) != vehicle_id:
                    self.ids[key], self.changed = vehicle_id, True
                result[key] = vehicle_id
        return result

    def _next(self) -> str:
        taken = {name.removeprefix(PREFIX) for name in self.ids.values() if name.startswith(PREFIX)}
        return f"{PREFIX}{max((int(number) for number in taken if number.isdigit()), default=0) + 1:04d}"


def load(location: str) -> KeyFile:
    """The key file of a data folder; empty where there is none.

    Raises:
        InputError: the file cannot be read as the table it should be. The error does not show its content.
    """
    from pyarrow import fs

    filesystem, base = folder(location)
    path = f"{base}/{FILE}"
    if filesystem.get_file_info(path).type != fs.FileType.File:
        return KeyFile(location)
    with filesystem.open_input_stream(path) as stream:
        text = stream.read().decode("utf-8-sig", errors="replace")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(row)]
    except csv.Error:
        rows = []
    if not rows or tuple(rows[0]) != HEADER or any(len(row) != len(HEADER) or not all(row) for row in rows):
        raise InputError(
            f"{FILE} is not a table of {', '.join(HEADER)}.",
            "Correct it, or remove it to start new surrogate ids.",
        )
    return KeyFile(location, {_key(kind, key): vehicle_id for kind, key, vehicle_id in rows[1:]})


def _key(kind: str, key: str) -> Key:
    kind = "_".join(kind.lower().split())
    if kind in (VEHICLE, "vehicle_id"):
        return VEHICLE, key
    return kind, "".join(key.split()).upper() if kind == PLATE else key.upper()


def save(keys: KeyFile) -> None:
    """Write the file if something was added; on a local disk whole or not at all, mode 0600."""
    from pyarrow import fs

    if not keys.changed:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(
        (*key, vehicle_id) for key, vehicle_id in sorted(keys.ids.items(), key=lambda i: (i[1], i[0]))
    )
    content = text.getvalue().encode()
    filesystem, base = folder(keys.location)
    if not isinstance(filesystem, fs.LocalFileSystem):
        with filesystem.open_output_stream(f"{base}/{FILE}") as stream:
            stream.write(content)
        return
    path = Path(base) / FILE
    temporary = path.with_name(f".{FILE}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.chmod(MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
