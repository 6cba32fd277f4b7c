"""Outputs of other fleets: put away when a folder's data change to another fleet's, taken back with them.

Forecasts, report, history and further tables lie beside the input. They always belong to the fleet of the
manifest there: what is of another fleet lies below `other-fleets/<fleet>/`. Nothing is deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from turo.data.fleet_sketch import of_manifest
from turo.errors import InputError
from turo.table import reader
from turo.table.names import OTHER_FLEETS, TRACES, TRACK_RECORD, VEHICLE

FOLDER = OTHER_FLEETS
UNKNOWN = "unknown"  # made by an older version, which did not say for which fleet

logger = logging.getLogger(__name__)


def make_room(folder: Path, fleet: str, vehicles: Iterable[str]) -> None:
    """Put away what lies in `folder` of another fleet than the one whose table is about to take its place.

    Called before the manifest changes: killed in between, the next run finds the traces of the manifest's own
    fleet put away and takes them back.

    Args:
        fleet: of the new table; `vehicles`: its vehicles, which tell where the old manifest does not.
    """
    before = current(folder)
    if before == fleet or (not before and forecast_vehicles(folder) & set(vehicles)):
        return
    put_away(folder, before)


def put_away(folder: Path, fleet: str) -> list[str]:
    """Move the traces of a fleet out of `folder`; returns their names. A repeat moves what was left."""
    place = folder / FOLDER / (fleet or UNKNOWN)
    moved = _move(_traces(folder), place, replace=True)
    if moved:
        logger.info("Put away in %s: %s", place, ", ".join(moved))
    return moved


def take_back(folder: Path) -> list[str]:
    """Move back what was put away of the fleet that the manifest in `folder` names; returns the names.

    What was made anew meanwhile stays.
    """
    fleet = current(folder)
    place = folder / FOLDER / fleet
    moved = _move(_traces(place), folder, replace=False) if fleet and place.is_dir() else []
    if moved:
        logger.info("Took back from %s: %s", place, ", ".join(moved))
    _remove_empty(place)
    return moved


def current(folder: Path) -> str:
    """The fleet of the prepared table in `folder`, "" where there is none or it does not say."""
    found = of_manifest(reader.known_manifest(str(folder)))
    return found.id if found else ""


def forecast_vehicles(folder: Path) -> set[str]:
    """The vehicles of the forecast in `folder`, or else of the track record; none where there is neither."""
    import polars as pl

    for name in (TRACES[0], TRACK_RECORD):
        try:
            table = pl.read_csv(
                folder / name, columns=["vehicle_id"], schema_overrides={"vehicle_id": pl.String}
            )
        except (OSError, pl.exceptions.PolarsError):
            continue
        return set(table["vehicle_id"].drop_nulls())
    return set()


def withdraw(folder: Path) -> None:
    """Put away a forecast that has none of the vehicles of the table as it is now."""
    try:
        present = reader.read(str(folder)).frame([VEHICLE])[VEHICLE]
    except InputError:
        return  # it cannot be told whose forecast it is
    forecast = forecast_vehicles(folder)
    if forecast and not forecast & set(present):
        put_away(folder, UNKNOWN)


def _traces(folder: Path) -> list[Path]:
    return sorted(path for pattern in TRACES for path in folder.glob(pattern))


def _move(paths: Iterable[Path], place: Path, replace: bool) -> list[str]:
    """Move files and folders below `place`, folders into those of the same name; returns the names moved."""
    moved = []
    for path in paths:
        target = place / path.name
        if path.is_dir() and target.is_dir():
            inside = _move(sorted(path.iterdir()), target, replace)
            _remove_empty(path)
        elif replace or not target.exists():
            place.mkdir(parents=True, exist_ok=True)
            inside = [str(path.rename(target))]
        else:
            inside = []
        moved += [path.name] if inside else []
    return moved


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
