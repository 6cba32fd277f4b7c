"""Drift under Turo's export, whose newest Monday knows more than every one before it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from drift_seen import drifted
from export_factory import Fleet, write

from turo import settings
from turo.data.load import load_tables
from turo.features.build import build
from turo.models.encoding import describe
from turo.monitoring.drift_measures import Drift, measure
from turo.table.model_columns import arrays, feature_columns
from turo.table.names import CATEGORIES
from turo.training.reports.reference_histograms import histograms, reference_rows, weeks_of

HORIZON, VEHICLES, ASKED = 28, 120, 12
NOW = datetime(2026, 7, 15, 12)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The prepared rows of one export that holds cancellations without a date."""
    folder: Path = tmp_path_factory.mktemp("export")
    drawn = Fleet(vehicles=VEHICLES, days=680).rows(NOW)
    rows = {row["Reservation ID"]: row for row in drawn}  # a few numbers are drawn twice
    file = write(folder, list(rows.values()), f"trip_earnings_export_{NOW:%Y%m%d}.csv")
    found = load_tables(settings.load(data_dir=str(folder), reservations_file=file.name))
    return build(found.reservations, found.vehicles, found.blocks, found.snapshot, HORIZON)


def judged(table: pl.DataFrame, **changed: float) -> dict[str, Drift]:
    """Every vehicle of the newest Monday, over and over; `changed` features are multiplied."""
    trained = table.filter(in_training=1)
    trained = trained[reference_rows(trained, HORIZON)]
    numbers = tuple(name for name in feature_columns(table.columns) if name not in CATEGORIES)
    columns = arrays(trained, numbers)
    made = histograms(describe(columns, []), columns, columns["otb_days_alive"], weeks_of(trained, HORIZON))
    newest = arrays(table.filter(pl.col("origin_date") == table["origin_date"].max()), numbers)
    asked = {name: np.tile(values, ASKED) for name, values in newest.items()}
    asked |= {name: asked[name] * factor for name, factor in changed.items()}
    return {drift.feature: drift for drift in measure(made, asked)}


def test_what_is_whole_at_the_newest_monday_only_is_no_drift(table: pl.DataFrame) -> None:
    found = judged(table)
    assert drifted(found.values()) == []
    trips = found["otb_trips_alive"]
    assert trips.psi is not None and trips.psi > 0.5  # whole numbers against parts: shown
    assert trips.limit is None


def test_books_that_moved_are_found(table: pl.DataFrame) -> None:
    found = judged(table, otb_days=3.0, otb_days_alive=3.0)
    assert drifted(found.values()) == ["otb_days"]
