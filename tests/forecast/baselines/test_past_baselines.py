"""Of past Mondays baselines know the windows that were over, and only vehicles that do not look gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from training_table import HORIZON, NEWEST, frame, write

from turo.forecast.horizon_tables import open_folder
from turo.forecast.live.baselines_then import said

MONDAY = NEWEST - timedelta(weeks=10)
OVER = pl.col("origin_date") + pl.duration(days=HORIZON) <= MONDAY
GONE = pl.col("looks_gone") == 1


def then(folder: Path, wild: pl.Expr) -> pl.DataFrame:
    """What is said of the Monday; where `wild`, every window came true as fully booked."""
    rows = frame().with_columns(looks_gone=(pl.col("vehicle_id") == "v003").cast(pl.Int8))
    came_true = pl.when(wild).then(pl.lit(float(HORIZON))).otherwise("y_booked_days")
    write(folder, rows.with_columns(y_booked_days=came_true), horizon_days=HORIZON)
    return said(open_folder(folder, HORIZON), "y_booked_days", [MONDAY])


@pytest.mark.parametrize(
    ("wild", "matters"),
    [(OVER & ~GONE, True), (~OVER, False), (OVER & GONE, False)],
    ids=["over by then", "not over by then", "of a vehicle that looks gone"],
)
def test_a_window_is_learnt_from_where(wild: pl.Expr, matters: bool, tmp_path: Path) -> None:
    usual = then(tmp_path / "usual", pl.lit(False))
    assert len(usual) == 12, "the vehicle that looks gone is forecast all the same"
    assert then(tmp_path / "wild", wild).equals(usual) is not matters
