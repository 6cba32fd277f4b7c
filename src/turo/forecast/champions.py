"""The models that make the forecast: the champion of each horizon's name, with what must be said about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from turo.errors import ConfigError, InputError, RegistryError
from turo.forecast.tables import model_name, open_table, served_horizon
from turo.models.forecaster import Forecaster
from turo.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Champion:
    """A registered version that holds the alias `champion`.

    Attributes:
        data_digest: of the table it was trained on.
        metrics: of its training run.
    """

    name: str
    version: str
    run_id: str
    forecaster: Forecaster
    below_baseline: bool = False
    data_digest: str = ""
    code_version: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def horizon_days(self) -> int:
        """Length of the window it forecasts."""
        return self.forecaster.horizon_days


def champions(settings: Settings, model: str, horizons: Sequence[int]) -> tuple[list[Champion], list[str]]:
    """The champion for each horizon, in that order, and why other horizons must be left out.

    A short history has no model for 90 days; that does not take the other horizons away.

    Raises:
        RegistryError, InputError: no horizon at all has both a champion and a table.
        ConfigError: a champion was trained for another horizon than its name stands for.
    """
    found, problems = [], dict[int, RegistryError | InputError]()
    for horizon in horizons:
        try:
            open_table(settings, horizon)
            found.append(load(model_name(model, horizon, settings), horizon))
        except (RegistryError, InputError) as error:
            problems[horizon] = error
            logger.warning("No forecast for %d days: %s", horizon, error)
    if not found and problems:
        raise problems.get(served_horizon(settings)) or next(iter(problems.values()))
    return found, [f"No forecast for {days} days: {error.what}" for days, error in problems.items()]


def load(name: str, horizon: int) -> Champion:
    """The champion of that registered name."""
    from turo import registry

    version = registry.champion(name)
    if version is None:
        raise RegistryError(
            f"Model {name} has no champion.", "Run the DAG forecast_fleet, or train and promote it."
        )
    forecaster = registry.load(version)
    if forecaster.horizon_days != horizon:
        raise ConfigError(
            f"{name} version {version.version} forecasts {forecaster.horizon_days} days, not {horizon}.",
            "Set HORIZON_DAYS to what the served models were trained for, or train them again.",
        )
    logger.info("Forecasting %d days with %s version %s", horizon, name, version.version)
    return Champion(
        name=name,
        version=str(version.version),
        run_id=version.run_id,
        forecaster=forecaster,
        below_baseline=version.tags.get("turo.below_baseline") == "true",
        data_digest=version.tags.get("turo.data_digest", ""),
        code_version=version.tags.get("turo.code_version", ""),
        metrics=dict(version.metrics),
    )
