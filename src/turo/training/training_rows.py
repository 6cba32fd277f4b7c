"""The prepared table as training sees it: labelled rows of one target and horizon, oldest first."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from turo.data.csv.source import folder
from turo.errors import TrainingError
from turo.features.columns import CATEGORIES, TARGETS, feature_columns
from turo.settings import Settings
from turo.training.enough_history import refuse_empty

TAKEHOME = "turo_takehome"
DEFAULT_TARGET = {TAKEHOME: "y_reservations"}
TABLE, ORACLE = "datas.parquet", "oracle.csv"
FURTHER_HORIZON = "horizon-"  # how `turo horizons` names its folders
PREPARE = "Run `turo prepare` (or the DAG prepare_data) first."


@dataclass(frozen=True)
class Table:
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
        return "origin_date" in self.rows.columns

    @property
    def y(self) -> np.ndarray:
        """The target (rows,)."""
        return self.rows[self.target].cast(pl.Float64).to_numpy()

    @property
    def origins(self) -> np.ndarray:
        """Origin dates (rows,) as datetime64[D]."""
        return self.rows["origin_date"].to_numpy().astype("datetime64[D]")

    def columns(self) -> dict[str, np.ndarray]:
        """The features as the models take them: float64 with NaN, objects for categories."""
        return arrays(self.rows, self.features)


def arrays(frame: pl.DataFrame, features: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Columns of a frame as the models take them."""
    columns: dict[str, np.ndarray] = {}
    for name in features:
        if name in CATEGORIES or frame.schema[name] == pl.String:
            columns[name] = np.array(frame[name].cast(pl.String).to_list(), dtype=object)
        else:
            columns[name] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return columns


def categories(frame: pl.DataFrame, features: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the features that are not numbers."""
    return tuple(name for name in features if name in CATEGORIES or frame.schema[name] == pl.String)


def read(settings: Settings, target: str = "auto", horizon_days: int = 0) -> Table:
    """Read datas.parquet and its manifest from `DATA_DIR`.

    Args:
        target: y_booked_days, y_reservations or y_revenue (the prefix may be left out), or auto.
        horizon_days: 0 takes the table's.

    Raises:
        TrainingError: no table, one that is being replaced, an unknown target, no feature, no labelled row.
    """
    data_dir = located(settings.data_dir)
    content = content_of(data_dir, TABLE)
    manifest = json.loads(content_of(data_dir, "manifest.json"))
    digest = sha256(content).hexdigest()
    if manifest.get("digest", digest) != digest:
        raise TrainingError(
            f"{TABLE} in {data_dir} is not the one its manifest describes.",
            "It is being replaced, or a preparation broke off: run `turo prepare` again.",
        )
    frame = pl.read_parquet(io.BytesIO(content))
    profile = manifest["profile"]
    name = target_name(target, profile)
    if name not in frame.columns:
        known = ", ".join(column for column in TARGETS if column in frame.columns)
        raise TrainingError(f"Target {name!r} is not in the table.", f"Choose TARGET among: {known}.")
    features = tuple(feature_columns(frame.columns))
    if not features:
        raise TrainingError(f"{TABLE} has no feature column: the model would ask for nothing.", PREPARE)
    rows = _labelled(frame, name, horizon_days)
    if rows.is_empty():
        refuse_empty(manifest, f"{TABLE} has both complete lags and a known {name}")
    return Table(
        rows=rows,
        features=features,
        target=name,
        horizon_days=int(rows["horizon_days"][0]) if "horizon_days" in rows.columns else 0,
        profile=profile,
        snapshot=str(manifest.get("snapshot", "")),
        digest=digest,
        manifest=manifest,
        oracle=_oracle(data_dir),
    )


def target_name(target: str, profile: str) -> str:
    """The column that a target names: with its prefix, or the profile's default."""
    if target == "auto":
        return DEFAULT_TARGET.get(profile, "y_booked_days")
    return target if target.startswith("y_") else f"y_{target}"


def asked_target(option: str, settings: Settings) -> str:
    """The target that a training was given, or where that is auto the one of the settings."""
    return settings.target if option == "auto" else option


def _labelled(frame: pl.DataFrame, target: str, horizon_days: int) -> pl.DataFrame:
    rows = frame.filter(pl.col("in_training") == 1, pl.col(target).is_not_null())
    if "horizon_days" in frame.columns:
        if horizon_days and not (frame["horizon_days"] == horizon_days).any():
            found = ", ".join(str(days) for days in frame["horizon_days"].unique().sort())
            raise TrainingError(
                f"The table was prepared for {found} days, not {horizon_days}.",
                f"Set HORIZON_DAYS={horizon_days} and run `turo prepare`.",
            )
        rows = rows.filter(pl.col("horizon_days") == (horizon_days or frame["horizon_days"][0]))
    order = [name for name in ("origin_date", "vehicle_id") if name in rows.columns]
    return rows.sort(order)


def located(data_dir: str) -> str:
    """`DATA_DIR` as it is, or, if relative, below the nearest folder upwards that has it.

    `mlflow run` by hand starts a project inside its own folder, three levels below the data.
    """
    if "://" in data_dir or Path(data_dir).is_absolute():
        return data_dir
    here = Path.cwd()
    found = (above / data_dir for above in (here, *here.parents) if (above / data_dir / TABLE).is_file())
    return str(next(found, Path(data_dir)))


def content_of(data_dir: str, name: str) -> bytes:
    """A file of a data folder or URL, whole.

    Raises:
        TrainingError: it cannot be read.
    """
    system, base = folder(data_dir)
    try:
        with system.open_input_stream(f"{base}/{name}") as stream:
            return stream.read()
    except OSError as error:
        raise TrainingError(f"{name} in {data_dir} cannot be read: {error}.", PREPARE) from error


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
        frame = pl.read_csv(stream.read(), schema_overrides={"vehicle_id": pl.String})
    return frame.with_columns(pl.col("origin_date").cast(pl.String).str.slice(0, 10).str.to_date())


def first_and_last(rows: pl.DataFrame) -> tuple[date, date]:
    """First and last origin date of a frame."""
    origins = rows["origin_date"].sort()
    return origins[0], origins[-1]
