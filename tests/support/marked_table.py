"""Prepared tables that tell each other apart: rows and manifest carry the same number."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from turo.prepare.manifest import text
from turo.table.names import MANIFEST, PARQUET
from turo.table.reader import PreparedTable
from turo.table.writer import staged

ROWS = 40


def rows_of(mark: int, days: int = 28) -> pl.DataFrame:
    """The rows of a table: every one of them carries its mark."""
    return pl.DataFrame(
        {
            "vehicle_id": [f"V{number}" for number in range(ROWS)],
            "origin_date": [date(2026, 11, 23)] * ROWS,
            "horizon_days": pl.Series([days] * ROWS, dtype=pl.Int32),
            "otb_days": [float(mark)] * ROWS,
        }
    )


def put(location: str | Path, mark: int, rows: pl.DataFrame | None = None, **facts: Any) -> None:
    """Put a table in place as `turo prepare` does: the rows first, the manifest last."""
    with staged(str(location), (PARQUET, MANIFEST)) as sinks:
        (rows_of(mark) if rows is None else rows).write_parquet(sinks[PARQUET])  # type: ignore[arg-type]
        told = {"mark": mark, "horizon_days": 28, "digest": sinks[PARQUET].sha256}
        sinks[MANIFEST].write(text({**told, **facts}))


def mark_of(table: PreparedTable) -> int:
    """The mark of a table, which its rows and its manifest must share."""
    rows = table.frame(["otb_days"])["otb_days"].unique().to_list()
    assert rows == [float(table.manifest["mark"])], (rows, table.manifest)
    return int(table.manifest["mark"])
