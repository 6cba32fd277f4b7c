"""The folder `report/`: the rows behind each answer, and what was made when, written last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from turo.files import atomic_path, sha256
from turo.forecast.output.store import write_csv
from turo.table.names import REPORT, REPORT_MADE

MADE = REPORT_MADE
FORM = 1  # of the files together; a reader that knows another one says so


def write(
    folder: Path, tables: Mapping[str, pl.DataFrame], about: Mapping[str, Any], beside: Sequence[str] = ()
) -> None:
    """Write the tables as CSV, then say what they belong to; old files nobody names any more are removed.

    Args:
        folder: the data folder.
        tables: by file name without its ending.
        about: of the report as a whole, as JSON; `form` and the files' digests are added.
        beside: files of the data folder that belong to it, too; written by now.
    """
    place = folder / REPORT
    for name, table in tables.items():
        write_csv(table, place / f"{name}.csv")
    files = {f"{name}.csv": sha256(place / f"{name}.csv") for name in tables}
    with atomic_path(place / MADE) as temporary:
        belong = {name: sha256(folder / name) for name in beside}
        content = {"form": FORM, **about, "files": files, "beside": belong}
        temporary.write_text(json.dumps(content, default=str, indent=1), encoding="utf-8")
    for path in place.glob("*.csv"):
        if path.name not in files:
            path.unlink()
