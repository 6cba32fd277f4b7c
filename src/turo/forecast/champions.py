"""The champion that may forecast a table: of the name asked for, trained on the same fleet, fitting it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from turo.data import fleet_sketch
from turo.errors import ConfigError, InputError, RegistryError
from turo.forecast.forecast_columns import MODEL
from turo.forecast.horizon_tables import HorizonTable
from turo.models.encoding import Columns, Field
from turo.words import counted

if TYPE_CHECKING:
    from turo.models.forecaster import Forecaster, Outlook
    from turo.models.spread import Spread
    from turo.registry.client import Version

logger = logging.getLogger(__name__)

TARGET_TAG = "turo.target"
TRAIN_AGAIN = "Train the model again on the table as it is now."


class Forecasts(Protocol):
    """What makes the numbers: a trained forecaster or a baseline."""

    @property
    def target(self) -> str: ...
    @property
    def horizon_days(self) -> int: ...
    @property
    def fields(self) -> tuple[Field, ...]: ...
    def outlook(self, columns: Columns) -> Outlook: ...
    def spread(self, columns: Columns) -> Spread | None: ...
    def derived(self, columns: Columns, mean: np.ndarray) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True)
class Champion:
    """A registered version that holds the alias `champion`, or a baseline in the place of one.

    Attributes:
        method: `model` or `baseline`.
        data_digest: of the table it was trained on.
        metrics: of its training run.
        places: vehicle_id, origin_date, place: where in its own forecast distribution, 0 to 1, lay what came
            true of past weeks; None where that is not known.
        no_range: why it has no distribution; empty where it has one, or was saved by an earlier version.
        why: why it is this one that forecasts.
    """

    name: str
    version: str
    run_id: str
    forecaster: Forecasts
    below_baseline: bool = False
    data_digest: str = ""
    code_version: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    method: str = MODEL
    places: pl.DataFrame | None = None
    no_range: str = ""
    why: str = ""

    @property
    def horizon_days(self) -> int:
        """Length of the window it forecasts."""
        return self.forecaster.horizon_days


def is_of(version: Version, table: HorizonTable) -> bool:
    """Was the version trained on the fleet of this table?"""
    if version.tags.get("turo.data_digest") == table.digest:
        return True
    return fleet_sketch.same(fleet_sketch.of_tags(version.tags), fleet_sketch.of_manifest(table.manifest))


def find(name: str, table: HorizonTable) -> Version:
    """The champion of that registered name.

    Raises:
        RegistryError: there is none, or it was trained on another fleet than the table's.
    """
    from turo.registry import aliases

    version = aliases.champion(name)  # a registry that does not answer stops the forecast
    if version is None:
        raise RegistryError(f"{name} has no champion.", "Train and promote it.")
    told = f"{name} version {version.version}"
    if not is_of(version, table):
        known = fleet_sketch.of_tags(version.tags)
        whose = f"another fleet: {known.label}" if known else "other data, and does not say of which fleet"
        raise RegistryError(f"{told} was trained on {whose}.", TRAIN_AGAIN)
    return version


def load(name: str, table: HorizonTable) -> Champion:
    """The champion of that registered name, ready to forecast the table.

    Raises:
        RegistryError: there is none, it was trained on another fleet, or its files are damaged or gone.
        ConfigError: it forecasts another horizon.
        InputError: the table lacks a feature it was trained on.
    """
    version = find(name, table)
    told = f"{name} version {version.version}"
    forecaster = _fetched(version)
    if forecaster.horizon_days != table.horizon_days:
        raise ConfigError(
            f"{told} forecasts {counted(forecaster.horizon_days, 'day')}, not {table.horizon_days}.",
            TRAIN_AGAIN,
        )
    check_features(forecaster, table, told)
    return Champion(
        name=name,
        version=str(version.version),
        run_id=version.run_id,
        forecaster=forecaster,
        below_baseline=version.tags.get("turo.below_baseline") == "true",
        data_digest=version.tags.get("turo.data_digest", ""),
        code_version=version.tags.get("turo.code_version", ""),
        metrics=dict(version.metrics),
        places=None if forecaster.distribution is None else _places(version),
    )


def check_features(forecaster: Forecasts, table: HorizonTable, told: str) -> None:
    """Refuse a model that asks for what the table does not have.

    Raises:
        InputError: naming the features.
    """
    missing = [item.name for item in forecaster.fields if item.name not in table.columns]
    if missing:
        raise InputError(f"The table lacks {', '.join(missing)}, which {told} was trained on.", TRAIN_AGAIN)


def _fetched(version: Version) -> Forecaster:
    from mlflow.exceptions import MlflowException

    from turo.registry import versions

    lost = RegistryError(f"The files of {version.name} version {version.version} are gone.", TRAIN_AGAIN)
    try:
        return versions.load(version)
    except FileNotFoundError as error:
        raise lost from error
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise lost from error


def _places(version: Version) -> pl.DataFrame | None:
    """What its training run kept of past weeks; None where that is gone."""
    from mlflow.exceptions import MlflowException

    from turo.registry.client import client
    from turo.training.artifacts import PLACES

    kinds = {"vehicle_id": pl.String, "origin_date": pl.Date, "place": pl.Float64}
    with tempfile.TemporaryDirectory() as temporary:
        try:
            if PLACES not in {item.path for item in client().list_artifacts(version.run_id)}:
                return None
            kept = pl.read_parquet(client().download_artifacts(version.run_id, PLACES, temporary))
            return kept.select(pl.col(name).cast(kind) for name, kind in kinds.items())
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            logger.warning("%s of run %s is gone: %s", PLACES, version.run_id, error)
        except pl.exceptions.PolarsError as error:
            logger.warning("%s of run %s cannot be read: %s", PLACES, version.run_id, error)
    return None
