"""A prepared table of ten vehicles and five Mondays, put in place as `turo prepare` does; a route on it."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from asgi_client import AsgiClient
from served import LIMITS, NAME, rows_of, tiny_predictor
from tiny_forecaster import tiny_columns

from turo.data import fleet_sketch
from turo.data.fleet_sketch import Identity
from turo.files import atomic_path
from turo.serving.api.forecast import Forecast
from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App
from turo.serving.lookup.feature_lookup import FeatureTable
from turo.serving.serve_config import TrainedOn

VEHICLES, ORIGINS = 10, [date(2026, 10, 26) + timedelta(weeks=week) for week in range(5)]
NEWEST = ORIGINS[-1]
SNAPSHOT = "2026-11-25T20:00:00"
HISTORY = {"finished_trips": 900, "labelled_origins": 40}


def fleet_of(name: str, vehicles: int = VEHICLES) -> Identity:
    """A fleet that shares nothing with one of another name."""
    return Identity(name, "canonical", vehicles, 900, SNAPSHOT, "2025-01-01", "2026-11-25", ".")


HERE, ELSEWHERE = fleet_of("here"), fleet_of("elsewhere", 120)


def table_of(seed: int = 5, days: int = 28, **changes: Any) -> pl.DataFrame:
    """The rows; `changes` are columns to replace or drop (None)."""
    rows = rows_of(tiny_columns(VEHICLES * len(ORIGINS), seed))
    keys = [
        {"vehicle_id": f"V{number}", "origin_date": origin, "horizon_days": days, "in_training": 1}
        for number in range(VEHICLES)
        for origin in ORIGINS
    ]
    frame = pl.DataFrame([key | row for key, row in zip(keys, rows, strict=True)], infer_schema_length=None)
    frame = frame.with_columns(otb_trips=pl.lit(2.0), y_booked_days=pl.lit(None, pl.Float64))
    for name, value in changes.items():
        frame = frame.drop(name) if value is None else frame.with_columns(pl.lit(value).alias(name))
    return frame


def put_table(folder: Path, frame: pl.DataFrame) -> str:
    """Rename the table into its place; returns its digest."""
    content = io.BytesIO()
    frame.write_parquet(content, row_group_size=15)
    with atomic_path(folder / "datas.parquet") as temporary:
        temporary.write_bytes(content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def put_manifest(folder: Path, digest: str, **facts: Any) -> None:
    """Rename the manifest into its place."""
    manifest = {"horizon_days": 28, "digest": digest, "fleet": HERE.plain(), "rows": HISTORY} | facts
    with atomic_path(folder / "manifest.json") as temporary:
        temporary.write_text(json.dumps(manifest))


def write_table(folder: Path, seed: int = 5, days: int = 28, **changes: Any) -> pl.DataFrame:
    """Both, the manifest last."""
    frame = table_of(seed, days, **changes)
    put_manifest(folder, put_table(folder, frame), horizon_days=days)
    return frame


def route(
    folder: Path, predictor: Predictor | None = None, fleet: Identity | None = HERE, **trained_on: str
) -> AsgiClient:
    """The model as a route beside the table in `folder`, trained on a fleet and whatever else is given."""
    predictor = predictor or tiny_predictor()
    tag = fleet_sketch.as_tag(fleet) if fleet else ""
    predictor.about.trained_on = TrainedOn(fleet=tag, **{"snapshot": SNAPSHOT} | trained_on)
    predictor._forecast = Forecast(FeatureTable(str(folder)))
    return AsgiClient(App(predictor, LIMITS), f"/{NAME}")
