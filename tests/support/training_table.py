"""A small prepared table, as `turo prepare` leaves it: enough to train on in a second."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

NEWEST = date(2026, 11, 23)
HORIZON = 28


def frame(vehicles: int = 12, weeks: int = 60, horizon: int = HORIZON, seed: int = 5) -> pl.DataFrame:
    """Weekly origins up to NEWEST; windows not yet over have no label; the first two weeks do not train."""
    generator = np.random.default_rng(seed)
    unlabelled = -(-horizon // 7)
    parts = []
    for vehicle in range(vehicles):
        origins = [NEWEST - timedelta(weeks=weeks - 1 - week) for week in range(weeks)]
        level = generator.uniform(0.2, 0.8) * horizon
        days = np.clip(level + generator.normal(0, 1.5, weeks), 0, horizon)
        books = np.clip(days * generator.uniform(0.4, 0.8, weeks), 0, horizon)
        recent = np.clip(level + generator.normal(0, 3, weeks), 0, horizon)
        parts.append(
            pl.DataFrame(
                {
                    "vehicle_id": [f"v{vehicle:03d}"] * weeks,
                    "origin_date": origins,
                    "horizon_days": pl.Series([horizon] * weeks, dtype=pl.Int32),
                    "in_training": pl.Series([int(week >= 2) for week in range(weeks)], dtype=pl.Int8),
                    "class": [("suv", "car", None)[vehicle % 3]] * weeks,
                    "fuel": ["gas"] * weeks,
                    "make": [("Kia", "Jeep")[vehicle % 2]] * weeks,
                    "otb_days": books,
                    "otb_trips": np.floor(books / 3),
                    "hist_days_28": recent * 28 / horizon,
                    "hist_trips_28": recent / 3,
                    "hist_revenue_28": recent * 40,
                    "lag_1": recent,
                    "lag_52w": [None if week < 52 else days[week - 52] for week in range(weeks)],
                    "lag_52w_trips": [None if week < 52 else days[week - 52] / 4 for week in range(weeks)],
                    "tenure_days": np.arange(weeks) * 7.0 + 60,
                    "never_known": pl.Series([None] * weeks, dtype=pl.Float64),
                    "y_booked_days": [d if w < weeks - unlabelled else None for w, d in enumerate(days)],
                    "y_reservations": [
                        float(round(d / 4)) if w < weeks - unlabelled else None for w, d in enumerate(days)
                    ],
                    "y_revenue": [d * 45 if w < weeks - unlabelled - 1 else None for w, d in enumerate(days)],
                }
            )
        )
    return pl.concat(parts)


def takehome_frame(vehicles: int = 200, seed: int = 6) -> pl.DataFrame:
    """One row a vehicle, no dates."""
    generator = np.random.default_rng(seed)
    price, ratio = generator.uniform(30, 200, vehicles), generator.uniform(0.7, 1.6, vehicles)
    return pl.DataFrame(
        {
            "vehicle_id": [f"{number}" for number in range(vehicles)],
            "in_training": pl.Series([1] * vehicles, dtype=pl.Int8),
            "technology": generator.integers(0, 2, vehicles).astype(float),
            "actual_price": price,
            "price_ratio": ratio,
            "y_reservations": generator.poisson(2 + 60 * (ratio - 1.15) ** 2).astype(float),
        }
    )


def write(folder: Path, table: pl.DataFrame, profile: str = "canonical", **manifest: Any) -> str:
    """Write datas.parquet and manifest.json; returns the digest."""
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / "datas.parquet")
    digest = hashlib.sha256((folder / "datas.parquet").read_bytes()).hexdigest()
    content = {
        "schema": 1,
        "profile": profile,
        "snapshot": "2026-11-24T00:00:00",
        "digest": digest,
        **manifest,
    }
    (folder / "manifest.json").write_text(json.dumps(content))
    return digest
