"""The prepared table of one horizon: where it lies, what its manifest says, the rows to score, the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from turo.errors import ConfigError, InputError
from turo.settings import Settings
from turo.table import reader
from turo.table.names import FURTHER_HORIZON, HORIZON, ORIGIN, PARQUET, TAKEHOME, VEHICLE
from turo.table.open_verified import AbsentError, PreparedTable
from turo.words import counted

REMEDY = "Run the DAG forecast_fleet, or `turo prepare` and `turo horizons`."


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
        return int(reader.manifest(str(data_folder(settings)))[HORIZON])
    except (InputError, ValueError, KeyError, TypeError):
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
class HorizonTable:
    """A prepared table in its folder, for one horizon."""

    horizon_days: int
    folder: Path
    prepared: PreparedTable = field(repr=False)

    @property
    def manifest(self) -> dict[str, Any]:
        """What it was made of."""
        return self.prepared.manifest

    @property
    def digest(self) -> str:
        """Digest of the table, as models carry it."""
        return self.prepared.digest

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return self.prepared.columns

    def rows(self) -> pl.DataFrame:
        """All rows, oldest first."""
        return self.prepared.frame().sort(ORIGIN, VEHICLE)

    def newest(self) -> pl.DataFrame:
        """All rows of the newest origin."""
        return self.prepared.frame(where=pl.col(ORIGIN) == self.newest_origin()).sort(VEHICLE)

    def newest_origin(self) -> date:
        """The last Monday the table knows."""
        newest = self.prepared.frame([ORIGIN])[ORIGIN].max()
        if not isinstance(newest, date):
            raise InputError(f"{self.folder / PARQUET} has no rows.", "Run prepare_data again.")
        return newest

    def actuals(self, target: str, origins: list[date]) -> pl.DataFrame:
        """vehicle_id, origin_date, actual of the rows whose window is complete by now."""
        if target not in self.columns:  # prices may be unknown now
            return pl.DataFrame(schema={VEHICLE: pl.String, ORIGIN: pl.Date, "actual": pl.Float64})
        over = pl.col(ORIGIN).is_in(origins) & pl.col(target).is_not_null()
        return self.prepared.frame([VEHICLE, ORIGIN, target], over).rename({target: "actual"})


def open_table(settings: Settings, horizon_days: int) -> HorizonTable:
    """The table prepared for that horizon.

    Raises:
        InputError: it is missing, damaged, of another horizon, or of a profile without dates.
    """
    return open_folder(table_folder(settings, horizon_days), horizon_days)


def open_folder(folder: Path, horizon_days: int) -> HorizonTable:
    """The table for that horizon in a folder; see `open_table`."""
    try:
        prepared = reader.read(str(folder), horizon_days)
    except AbsentError as error:
        raise InputError(
            f"No table for {counted(horizon_days, 'day')} in {folder}: {error.what}", REMEDY
        ) from error
    except InputError as error:
        raise InputError(error.what, REMEDY) from error
    if prepared.manifest.get("profile") == TAKEHOME:
        raise InputError(
            "The take-home files have no trip dates, so there is no window to forecast.",
            "Bring a trip earnings export or the canonical files.",
        )
    return HorizonTable(horizon_days, folder, prepared)
