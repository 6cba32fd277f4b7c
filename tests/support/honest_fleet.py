"""Prepared rows of generated fleets, and what a training on them would keep of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from turo import settings
from turo.data.load import load_tables
from turo.data.synthetic.generate import write_sample
from turo.features.build import build
from turo.models.encoding import describe
from turo.table.model_columns import arrays, feature_columns
from turo.table.names import CATEGORIES
from turo.training.reports.reference_histograms import histograms, reference_rows, weeks_of

HORIZON = 28


def prepared(folder: Path, vehicles: int, seed: int) -> pl.DataFrame:
    """The rows of a fleet of three years, by origin and vehicle."""
    write_sample(folder, vehicles=vehicles, years=3, seed=seed, horizons=())
    found = load_tables(settings.load(data_dir=str(folder)))
    return build(
        found.reservations,
        found.vehicles,
        found.blocks,
        found.snapshot,
        HORIZON,
        revisions=found.revisions,
    ).sort("origin_date", "vehicle_id")


def trained(table: pl.DataFrame, asked: date) -> dict[str, Any]:
    """The reference of a model that was trained with what had its label that day; it predicts the books."""
    known = pl.col("origin_date").dt.offset_by(f"{HORIZON}d") <= asked
    rows = table.filter(known, in_training=1)
    rows = rows[reference_rows(rows, HORIZON)]
    columns = arrays(rows, tuple(feature_columns(table.columns)))
    fields = describe(columns, [name for name in columns if name in CATEGORIES])
    made = histograms(fields, columns, columns["otb_days"], weeks_of(rows, HORIZON))
    stored: dict[str, Any] = json.loads(json.dumps(made))
    return stored
