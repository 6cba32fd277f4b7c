"""The prepared table of one horizon: where it lies, what its manifest says, the rows to score, the labels."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from turo.errors import ConfigError, InputError
from turo.settings import Settings
from turo.training.training_rows import FURTHER_HORIZON, TAKEHOME

TABLE, MANIFEST = "datas.parquet", "manifest.json"


def data_folder(settings: Settings) -> Path:
    """The data folder, which must be a local one here.

    Raises:
        ConfigError: DATA_DIR is a URL.
    """
    if "://" in settings.data_dir:
        raise ConfigError(
            f"DATA_DIR={settings.data_dir} is a URL; the forecast writes its files to a folder.",
            "Mount the store and set DATA_DIR to where it is mounted.",
        )
    return Path(settings.data_dir)


def served_horizon(settings: Settings) -> int:
    """The horizon of the main table, which a run of prepare_data may choose; HORIZON_DAYS without a table."""
    try:
        manifest = json.loads((data_folder(settings) / MANIFEST).read_text())
        return int(manifest["horizon_days"])
    except (OSError, ValueError, KeyError, TypeError):
        return settings.horizon_days


def table_folder(settings: Settings, horizon_days: int) -> Path:
    """The data folder itself for the served horizon, a sub-folder for any other."""
    if horizon_days == served_horizon(settings):
        return data_folder(settings)
    return further_folder(settings, horizon_days)


def further_folder(settings: Settings, horizon_days: int) -> Path:
    """The sub-folder of a horizon, whichever is served; never the data folder itself."""
    return data_folder(settings) / f"{FURTHER_HORIZON}{horizon_days}"


def model_name(model: str, horizon_days: int, settings: Settings) -> str:
    """Registered name: the served horizon belongs to the model itself, any other to `<MODEL>-<days>d`."""
    return model if horizon_days == served_horizon(settings) else f"{model}-{horizon_days}d"


@dataclass(frozen=True)
class Table:
    """A prepared table: its manifest and the very file that the manifest describes.

    Attributes:
        content: of datas.parquet, read once, so that what replaces the file meanwhile cannot mix in.
    """

    horizon_days: int
    folder: Path
    manifest: dict[str, Any]
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """Digest of the table, as models carry it."""
        return str(self.manifest["digest"])

    def scan(self) -> pl.LazyFrame:
        """All rows."""
        return pl.scan_parquet(io.BytesIO(self.content))

    def newest(self) -> pl.DataFrame:
        """All rows of the newest origin."""
        return self.scan().filter(pl.col("origin_date") == self.newest_origin()).sort("vehicle_id").collect()

    def newest_origin(self) -> date:
        """The last Monday the table knows."""
        newest = self.scan().select(pl.col("origin_date").max()).collect().item()
        if newest is None:
            raise InputError(f"{self.folder / TABLE} has no rows.", "Run prepare_data again.")
        return newest

    def actuals(self, target: str, origins: list[date]) -> pl.DataFrame:
        """vehicle_id, origin_date, actual of the rows whose window is complete by now."""
        scan = self.scan()
        if target not in scan.collect_schema().names():  # prices may be unknown now
            scan = scan.with_columns(pl.lit(None, pl.Float64).alias(target))
        rows = scan.filter(pl.col("origin_date").is_in(origins) & pl.col(target).is_not_null())
        return rows.select("vehicle_id", "origin_date", pl.col(target).alias("actual")).collect()


def open_table(settings: Settings, horizon_days: int) -> Table:
    """The table prepared for that horizon.

    Raises:
        InputError: it is missing, damaged, of another horizon, or of a profile without dates.
    """
    return open_folder(table_folder(settings, horizon_days), horizon_days)


def open_folder(folder: Path, horizon_days: int) -> Table:
    """The table for that horizon in a folder; see `open_table`."""
    remedy = "Run the DAG forecast_fleet, or `turo prepare` and `turo horizons`."
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        found, digest = int(manifest["horizon_days"]), str(manifest["digest"])
        content = (folder / TABLE).read_bytes()
    except FileNotFoundError as error:
        what = f"No table for {horizon_days} days in {folder}: {Path(str(error.filename)).name} is missing."
        raise InputError(what, remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / MANIFEST} cannot be read: {error}.", remedy) from error
    if manifest.get("profile") == TAKEHOME:
        raise InputError(
            "The take-home files have no trip dates, so there is no window to forecast.",
            "Bring a trip earnings export or the canonical files.",
        )
    if found != horizon_days:
        raise InputError(f"The table in {folder} is for {found} days, not {horizon_days}.", remedy)
    if sha256(content).hexdigest() != digest:
        raise InputError(f"{folder / TABLE} is not the file that {MANIFEST} describes.", remedy)
    return Table(horizon_days, folder, manifest, content)
