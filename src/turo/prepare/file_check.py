"""What would be read of some files, if they lay in the data folder; nothing there is changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from turo.data import fleet_sketch
from turo.data.csv import input_files
from turo.data.csv.sheet import open_sheet, underscored
from turo.data.export.export_date import named_day
from turo.data.export.vehicle_keys import FILE as KEYS
from turo.data.load import load_tables
from turo.data.quarantine import TooManyRejectedError
from turo.data.tables import REJECTED, empty
from turo.errors import InputError, TuroError
from turo.table import reader
from turo.table.names import FLEETS, MANIFEST, REMEMBERED, TAKEHOME

if TYPE_CHECKING:
    from turo.data.tables import Tables
    from turo.settings import Settings

STATE = (MANIFEST, REMEMBERED, FLEETS, KEYS)  # what earlier runs left, by which a step back is seen
BLOCKS = {"vehicle_id", "start", "end"}


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        files: names of the reservations, vehicles and blocks files that were looked at.
        tables: what would be read; None where it would be refused.
        refusal: why, None where it would not.
        rejected: rows that would be set aside (`tables.REJECTED`).
        last: the fleet of the last run; None where there was none.
        known_by: what tells until when the files are known; empty where they would be refused.
    """

    files: Sequence[str]
    tables: Tables | None = None
    refusal: TuroError | None = None
    rejected: pl.DataFrame = field(default_factory=lambda: empty(REJECTED))
    last: fleet_sketch.Identity | None = None
    known_by: str = ""


def check(settings: Settings, files: Sequence[Path] = ()) -> Checked:
    """Read as `prepare` would, from a copy of links that is thrown away afterwards.

    Args:
        files: in the place of those of the data folder; none checks what lies there. What a file is
            (bookings, vehicles, blocks) is told by its name, or else by its header.

    Raises:
        InputError: a file is not there, or two have one name.
    """
    with _trial(settings, files) as trial:
        every = (trial.reservations_file, trial.vehicles_file, trial.blocks_file)
        names = [source.name for each in every for source in input_files.find(trial.data_dir, each)]
        last = fleet_sketch.of_manifest(reader.known_manifest(trial.data_dir))
        mine = [source.name for source in input_files.find(trial.data_dir, trial.reservations_file)]
        try:
            if not mine:  # told of the folder itself: the trial has no file of another name
                input_files.require(settings.data_dir, settings.reservations_file, "RESERVATIONS_FILE")
            tables = load_tables(trial)
        except TooManyRejectedError as error:
            return Checked(names, refusal=error, rejected=error.rows, last=last)
        except TuroError as error:
            what = error.what.replace(trial.data_dir, settings.data_dir)
            return Checked(names, refusal=type(error)(what, error.remedy), last=last)
        known_by = _known_by(mine, settings.as_of, tables)
        return Checked(names, tables, rejected=tables.rejected, last=last, known_by=known_by)


def _known_by(names: Sequence[str], as_of: str | None, tables: Tables) -> str:
    """In words; where only the rows tell, also how to tell better."""
    if tables.profile == TAKEHOME:
        return "its newest row"
    days = [name for name in names if (day := named_day(name)) and day >= tables.snapshot.date()]
    if days:
        return f"the name of {days[-1]}"
    if as_of:
        return "AS_OF"
    return (
        "the newest moment that its rows prove; where it was taken later, put that day into the file's name "
        "(…_YYYYMMDD.csv) or set AS_OF"
    )


@contextmanager
def _trial(settings: Settings, files: Sequence[Path]) -> Iterator[Settings]:
    """Settings of a folder of links to the files and what goes with them; the keys are a copy."""
    if missing := [str(path) for path in files if not path.is_file()]:
        raise InputError(f"{', '.join(missing)}: no such file.", "Name files on this machine.")
    names = [path.name for path in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"Two files are called {', '.join(twice)}.", "Check one after the other.")
    every = {
        "reservations_file": settings.reservations_file,
        "vehicles_file": settings.vehicles_file,
        "blocks_file": settings.blocks_file,
    }
    given = {setting: [path for path in files if _kind(path, settings) == setting] for setting in every}
    with TemporaryDirectory(prefix="turo-check-") as folder:
        for setting, mine in given.items():
            if mine and not any(_named(path, every[setting]) for path in mine):
                every[setting] = ",".join(path.name for path in mine)
        for setting, mine in given.items():
            for path in mine:
                place = Path(folder) / _folder(path, every[setting]) / path.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(path.resolve())
        for name in [*every.values(), *STATE]:
            for source in input_files.find(settings.data_dir, name):
                _put(source, Path(folder) / source.name)
        yield settings.model_copy(update={"data_dir": folder, **every})


def _put(source: input_files.Source, target: Path) -> None:
    """A link where the file is on this machine, else a copy; always of the keys: the reader adds to them."""
    if target.exists():
        return  # one of the files that are checked
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.filesystem.type_name == "local" and target.name != KEYS:
        target.symlink_to(Path(source.path).resolve())
        return
    with source.filesystem.open_input_stream(source.path) as stream, target.open("wb") as copy:
        shutil.copyfileobj(stream, copy)


def _kind(path: Path, settings: Settings) -> str:
    """Which setting would name the file."""
    for setting in ("vehicles_file", "blocks_file"):
        if _named(path, getattr(settings, setting)):
            return setting
    if _named(path, settings.reservations_file):
        return "reservations_file"
    (source,) = input_files.find(str(path.resolve().parent), path.name)
    keys = {underscored(key) for key in open_sheet(source).keys}
    if keys >= BLOCKS:
        return "blocks_file"
    dated = {"created_at", "reservation_type", "trip_start", "reservation_id"}
    return "vehicles_file" if "vehicle_id" in keys and not keys & dated else "reservations_file"


def _named(path: Path, names: str) -> bool:
    """Whether a setting's names, by comma, or globs mean a file of this name, in whatever folder."""
    return any(fnmatch(path.name, Path(name.strip()).name) for name in names.split(",") if name.strip())


def _folder(path: Path, names: str) -> Path:
    """Below the data folder, where the setting looks for a file of this name."""
    found = (Path(name.strip()) for name in names.split(",") if _named(path, name))
    place = next((name.parent for name in found), Path())
    return Path() if place.is_absolute() or "*" in str(place) else place
