"""The prepared table as training sees it: labelled rows of one target and horizon, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from turo.errors import InputError, TrainingError
from turo.files import folder
from turo.settings import Settings
from turo.table import reader
from turo.table.model_columns import arrays, feature_columns, numbers
from turo.table.names import FURTHER_HORIZON, HORIZON, IN_TRAINING, ORACLE, ORIGIN, PARQUET, VEHICLE
from turo.table.open_verified import FIRST
from turo.table.targets import AUTO, TARGETS, target_name
from turo.training.enough_history import refuse_empty


@dataclass(frozen=True)
class TrainingTable:
    """Rows that may train: `in_training` is 1 and the target is known.

    Attributes:
        rows: the rows, sorted by origin date (if there is one) and vehicle.
        features: names of the feature columns, in the table's order.
        digest: SHA-256 of datas.parquet, the data digest of every tag.
        oracle: the true expected values beside the table, or None.
    """

    rows: pl.DataFrame
    features: tuple[str, ...]
    target: str
    horizon_days: int
    profile: str
    snapshot: str
    digest: str
    manifest: dict[str, Any]
    oracle: pl.DataFrame | None = None

    @property
    def timed(self) -> bool:
        """Whether rows have an origin date; the take-home profile has one row a vehicle and no dates."""
        return ORIGIN in self.rows.columns

    @property
    def y(self) -> np.ndarray:
        """The target (rows,)."""
        return numbers(self.rows[self.target])

    @property
    def origins(self) -> np.ndarray:
        """Origin dates (rows,) as datetime64[D]."""
        return self.rows[ORIGIN].to_numpy().astype("datetime64[D]")

    def columns(self) -> dict[str, np.ndarray]:
        """The features as the models take them: float64 with NaN, objects for categories."""
        return arrays(self.rows, self.features)


def read(settings: Settings, target: str = AUTO, horizon_days: int = 0) -> TrainingTable:
    """Read datas.parquet and its manifest from `DATA_DIR`.

    Args:
        target: y_booked_days, y_reservations or y_revenue (the prefix may be left out), or auto.
        horizon_days: 0 takes the table's.

    Raises:
        TrainingError: no table, one at odds with its manifest, an unknown target, no feature, no label.
    """
    data_dir = reader.located(settings.data_dir)
    try:
        prepared = reader.read(data_dir, horizon_days)
    except InputError as error:
        raise TrainingError(error.what, error.remedy) from error
    frame, manifest = prepared.frame(), prepared.manifest
    profile = manifest["profile"]
    name = target_name(target, profile)
    if name not in frame.columns:
        known = ", ".join(column for column in TARGETS if column in frame.columns)
        raise TrainingError(f"Target {name!r} is not in the table.", f"Choose TARGET among: {known}.")
    features = tuple(feature_columns(frame.columns))
    if not features:
        raise TrainingError(f"{PARQUET} has no feature column: the model would ask for nothing.", FIRST)
    rows = _labelled(frame, name)
    if rows.is_empty():
        refuse_empty(manifest, f"{PARQUET} has both complete lags and a known {name}")
    return TrainingTable(
        rows=rows,
        features=features,
        target=name,
        horizon_days=int(rows[HORIZON][0]) if HORIZON in rows.columns else 0,
        profile=profile,
        snapshot=str(manifest.get("snapshot", "")),
        digest=prepared.digest,
        manifest=manifest,
        oracle=_oracle(data_dir),
    )


def asked_target(option: str, settings: Settings) -> str:
    """The target that a training was given, or where that is auto the one of the settings."""
    return settings.target if option == AUTO else option


def _labelled(frame: pl.DataFrame, target: str) -> pl.DataFrame:
    rows = frame.filter(pl.col(IN_TRAINING) == 1, pl.col(target).is_not_null())
    return rows.sort([name for name in (ORIGIN, VEHICLE) if name in rows.columns])


def _oracle(data_dir: str) -> pl.DataFrame | None:
    """The side file of synthetic data; only ever compared with, never a feature.

    It lies beside the input, which for the table of a further horizon is the folder above.
    """
    system, base = folder(data_dir)
    above, _, name = base.rpartition("/")
    path = f"{above if name.startswith(FURTHER_HORIZON) else base}/{ORACLE}"
    if not system.get_file_info(path).is_file:
        return None
    with system.open_input_stream(path) as stream:
        frame = pl.read_csv(stream.read(), schema_overrides={VEHICLE: pl.String})
    return frame.with_columns(pl.col(ORIGIN).cast(pl.String).str.slice(0, 10).str.to_date())


def first_and_last(rows: pl.DataFrame) -> tuple[date, date]:
    """First and last origin date of a frame."""
    origins = rows[ORIGIN].sort()
    return origins[0], origins[-1]
