"""Features of one vehicle at one origin, read from the prepared table where it lies; none are kept."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from turo.data.source import folder
from turo.errors import InputError
from turo.serving.problems import Problem, shown

if TYPE_CHECKING:
    from pyarrow import fs

TABLE, MANIFEST = "datas.parquet", "manifest.json"
REMOTE_S = 5.0  # how long a manifest behind a URL is taken for the newest


@dataclass(frozen=True)
class Row:
    """One row of the table; `origin` is None under the take-home profile, which has no dates."""

    vehicle_id: str
    origin: date | None
    values: dict[str, Any]
    manifest: dict[str, Any]


@dataclass
class FeatureTable:
    """The table in a folder or behind a URL. A new one is used as soon as its manifest is there."""

    data_dir: str
    _manifest: dict[str, Any] = field(default_factory=dict)
    _seen: tuple[Any, ...] = ()
    _looked: float = float("-inf")

    def find(self, vehicle_id: str, origin: date | None) -> Row:
        """The row of a vehicle at an origin, by default at the newest.

        Raises:
            Problem: 404 for an unknown vehicle or origin, naming what there is; 503 without a table.
        """
        try:
            filesystem, base = folder(self.data_dir)
            manifest = self.manifest(filesystem, base)
            dated = "origin_date" in manifest["columns"]["keys"]
            chosen = self._origin(filesystem, base, vehicle_id, origin) if dated else None
            if origin and not dated:
                raise Problem(422, "This table has one row a vehicle and no dates: leave origin out.")
            return self._read(filesystem, base, vehicle_id, chosen)
        except (OSError, KeyError, ValueError, InputError) as error:
            raise Problem(503, f"The prepared table cannot be read now ({type(error).__name__}).") from error

    def manifest(self, filesystem: fs.FileSystem, base: str) -> dict[str, Any]:
        """The manifest, read again only when it has changed."""
        local = filesystem.type_name == "local"
        if self._manifest and not local and time.monotonic() - self._looked < REMOTE_S:
            return self._manifest
        self._looked = time.monotonic()
        info = filesystem.get_file_info(f"{base}/{MANIFEST}")
        if (info.mtime, info.size) != self._seen:
            with filesystem.open_input_stream(f"{base}/{MANIFEST}") as stream:
                self._manifest = json.loads(stream.read())
            self._seen = (info.mtime, info.size)
        return self._manifest

    def _origin(self, filesystem: fs.FileSystem, base: str, vehicle_id: str, origin: date | None) -> date:
        """The origin asked for if the vehicle has a row there, else the newest; or the reason why not."""
        rows = _query(filesystem, base, ["origin_date"], [("vehicle_id", "==", vehicle_id)])
        known = sorted(rows["origin_date"].to_pylist())
        if not known:
            raise Problem(404, f"Vehicle {shown(vehicle_id)} has no row in the prepared table.")
        if origin is None or origin in known:
            return origin or known[-1]
        nearest = min(known, key=lambda day: abs((day - origin).days))
        raise Problem(
            404,
            f"Vehicle {shown(vehicle_id)} has no row at {origin}; its origins are Mondays from {known[0]} "
            f"to {known[-1]}, the nearest is {nearest}.",
        )

    def _read(self, filesystem: fs.FileSystem, base: str, vehicle_id: str, origin: date | None) -> Row:
        conditions: list[tuple[str, str, Any]] = [("vehicle_id", "==", vehicle_id)]
        if origin:
            conditions.append(("origin_date", "==", origin))
        rows = _query(filesystem, base, None, conditions).to_pylist()
        if not rows:
            raise Problem(404, f"Vehicle {shown(vehicle_id)} has no row in the prepared table.")
        return Row(vehicle_id, origin, rows[0], self._manifest)


def _query(
    filesystem: fs.FileSystem, base: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]
) -> Any:
    """Rows of the table that fulfil the conditions; row groups that cannot hold any are not read."""
    import pyarrow.parquet as pq

    return pq.read_table(
        f"{base}/{TABLE}", columns=columns, filters=conditions, filesystem=filesystem,
        memory_map=True, use_threads=False, partitioning=None,
    )  # fmt: skip
