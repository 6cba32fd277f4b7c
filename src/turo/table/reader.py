"""The reader of the prepared table: rows and the manifest that describes them, never of two runs.

The writer renames the rows into place first and the manifest last, so for a moment they do not fit. Rows are
therefore opened once, and what was opened is hashed: a file that is renamed over an open one does not touch
it, and equal digests mean the same run.
"""

from __future__ import annotations

from pathlib import Path

from turo.errors import InputError
from turo.files import folder
from turo.patience import Patience
from turo.table.names import MANIFEST, PARQUET
from turo.table.open_verified import AGAIN, LOCAL, Manifest, MixedError, PreparedTable, described, look

PAUSE_S = 0.05  # between two looks while a table is being replaced
PATIENCE_S, REMOTE_PATIENCE_S = 1.0, 30.0  # without any change; an object store copies to rename


def read(location: str, horizon_days: int = 0) -> PreparedTable:
    """The table in a folder or behind a URL; waits while a new one is being put in its place.

    Args:
        horizon_days: what the rows must be for; 0 takes the table's own.

    Raises:
        AbsentError: there is none.
        InputError: it cannot be read, is of another horizon, or stays at odds with its manifest.
    """
    filesystem, base = folder(location)
    patience = Patience(PAUSE_S, PATIENCE_S if filesystem.type_name == LOCAL else REMOTE_PATIENCE_S)
    seen: MixedError | None = None

    def as_before(error: BaseException) -> bool:
        return seen is not None and isinstance(error, MixedError) and error.args == seen.args

    while True:
        try:
            table = patience.retry(lambda: look(filesystem, base), errors=as_before)
            break
        except MixedError as mixed:
            if as_before(mixed):
                raise InputError(
                    f"{location}/{PARQUET} is not the file that {MANIFEST} describes.",
                    f"A preparation broke off, or the file was edited. {AGAIN}",
                ) from mixed
            seen = mixed  # something has changed: patience begins anew
    if horizon_days:
        table.refuse_horizon(horizon_days, location)
    return table


def manifest(location: str) -> Manifest:
    """What the manifest in a folder or behind a URL says now; the rows may still be of another run.

    Raises:
        AbsentError: there is none.
        InputError: it cannot be read.
    """
    return described(*folder(location))


def known_manifest(location: str) -> Manifest:
    """The same; empty where there is none that can be read."""
    try:
        return manifest(location)
    except InputError:
        return {}


def located(location: str) -> str:
    """`DATA_DIR` as it is, or, if relative, below the nearest folder upwards that has a table in it.

    `mlflow run` by hand starts a project inside its own folder, three levels below the data.
    """
    if "://" in location or Path(location).is_absolute():
        return location
    here = Path.cwd()
    found = (above / location for above in (here, *here.parents) if (above / location / PARQUET).is_file())
    return str(next(found, Path(location)))
