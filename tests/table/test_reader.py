"""What the reader of the prepared table refuses, and what it costs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from marked_table import ROWS, mark_of, put, rows_of

from turo.errors import InputError
from turo.table import reader
from turo.table.names import MANIFEST, PARQUET
from turo.table.open_verified import AbsentError


def test_a_part_that_is_missing_is_named_with_what_makes_it(tmp_path: Path) -> None:
    for name in (PARQUET, MANIFEST):
        put(tmp_path, 1)
        (tmp_path / name).unlink()
        with pytest.raises(AbsentError, match=rf"{name} in .* cannot be read.*Run `turo prepare`"):
            reader.read(str(tmp_path))
    assert reader.known_manifest(str(tmp_path)) == {}


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"digest": null'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    put(tmp_path, 1)
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(InputError, match=rf"{MANIFEST}.* cannot be read.*Run `turo prepare`"):
        reader.read(str(tmp_path))
    assert reader.known_manifest(str(tmp_path)) == {}


def test_rows_are_counted(tmp_path: Path) -> None:
    put(tmp_path, 1, outputs={PARQUET: {"rows": ROWS}})
    assert mark_of(reader.read(str(tmp_path))) == 1
    put(tmp_path, 1, outputs={PARQUET: {"rows": ROWS + 1}})
    with pytest.raises(InputError, match=rf"has {ROWS} rows, its manifest\.json says {ROWS + 1}"):
        reader.read(str(tmp_path))


def test_the_rows_themselves_say_their_horizon(tmp_path: Path) -> None:
    put(tmp_path, 1)
    assert mark_of(reader.read(str(tmp_path), 28)) == 1
    with pytest.raises(InputError, match=r"for 28 days, not 7.*HORIZON_DAYS=7"):
        reader.read(str(tmp_path), 7)
    put(tmp_path, 1, rows_of(1, days=7))
    with pytest.raises(InputError, match="for 7 days, not 28"):
        reader.read(str(tmp_path))
    put(tmp_path, 1, pl.concat([rows_of(1, 28), rows_of(1, 7)]), horizon_days=None)
    with pytest.raises(InputError, match="for 7, 28 days, not one horizon"):
        reader.read(str(tmp_path))
    put(tmp_path, 1, rows_of(1).drop("horizon_days", "origin_date"))
    assert mark_of(reader.read(str(tmp_path), 7)) == 1, "the take-home profile has no dates"


def test_rows_are_chosen_as_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turo.table.open_verified.BATCH_ROWS", 7)
    put(tmp_path, 1)
    table = reader.read(str(tmp_path))
    assert table.frame().equals(rows_of(1))
    some = pl.col("vehicle_id").is_in(["V3", "V30"])
    assert table.frame(["vehicle_id"], some)["vehicle_id"].to_list() == ["V3", "V30"]
    assert table.frame(where=pl.lit(value=False)).equals(rows_of(1).clear())


def test_a_large_table_is_verified_without_a_copy_in_memory(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).uniform(size=1 << 21)
    put(tmp_path, 1, pl.DataFrame({"vehicle_id": ["V"] * len(numbers), "otb_days": numbers}))
    held = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        table = reader.read(str(tmp_path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = (tmp_path / PARQUET).stat().st_size
    assert peak + pa.total_allocated_bytes() - held < size / 4
    assert len(table.frame()) == len(numbers)
