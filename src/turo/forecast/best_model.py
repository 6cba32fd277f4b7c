"""FORECAST_MODEL=auto: for each horizon the champion with the best hold-out score.

Champions were trained at different times, so each score is a share of the best baseline's on its own
hold-out. A champion of another fleet, target or horizon does not count.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from turo.errors import ConfigError, RegistryError
from turo.forecast.champions import TARGET_TAG, TRAIN_AGAIN, find
from turo.forecast.horizon_tables import HorizonTable, model_name
from turo.registry.client import Version
from turo.registry.holdout_share import share
from turo.settings import Settings
from turo.table.targets import AUTO
from turo.words import counted

logger = logging.getLogger(__name__)

HORIZON_TAG = "turo.horizon_days"


@dataclass(frozen=True)
class Candidate:
    """A champion that fits: its name in MODEL_NAMES, and its error as a share of the best baseline's."""

    name: str
    share: float


@dataclass(frozen=True)
class Ranking:
    """The champions that fit, best first, and why the others of MODEL_NAMES do not."""

    fit: list[Candidate]
    misfits: list[str]


def target(settings: Settings, main: HorizonTable) -> str:
    """What is forecast: TARGET; where that is auto, what the first champion of this fleet forecasts."""
    if settings.target != AUTO:
        return settings.target
    for name in settings.model_names:
        try:
            found = find(model_name(name, main.horizon_days, settings), main)
        except RegistryError:
            continue
        return found.tags.get(TARGET_TAG, AUTO)
    return AUTO


def rank(settings: Settings, table: HorizonTable, wanted: str) -> Ranking:
    """The champions that may forecast the table; equally good ones in the order of MODEL_NAMES.

    Their files are not opened: see `turo.forecast.champions.load`.

    Args:
        wanted: the target; `auto` takes any.
    """
    ranking, days = Ranking([], []), table.horizon_days
    window = counted(days, "day")
    for name in settings.model_names:
        try:
            version = find(model_name(name, days, settings), table)
            _check(version, days, wanted)
        except (RegistryError, ConfigError) as error:
            logger.info("For %s %s does not count: %s", window, name, error.what)
            ranking.misfits.append(error.what)
            continue
        candidate = Candidate(name, share(version))
        told = f"{version.name} version {version.version}"
        if math.isfinite(candidate.share):
            logger.info("For %s: %s, %.2f x the best baseline", window, told, candidate.share)
        else:
            logger.warning("For %s %s comes last: its run has no hold-out score", window, told)
        ranking.fit.append(candidate)
    ranking.fit.sort(key=lambda candidate: candidate.share)
    return ranking


def why(fit: Sequence[Candidate]) -> str:
    """Why the first of them is taken, in words."""
    best = fit[0].share
    if math.isinf(best):
        return "the only model that fits" if len(fit) == 1 else f"first of {len(fit)} without hold-out score"
    if len(fit) == 1:
        return f"the only model that fits: {best:.2f} x the best baseline"
    return f"best hold-out score of {len(fit)}: {best:.2f} x the best baseline"


def kind(settings: Settings, main: HorizonTable) -> str:
    """What the further horizons are trained as: the best model of the main one, else the first."""
    fit = rank(settings, main, target(settings, main)).fit
    name = fit[0].name if fit else settings.model_names[0]
    logger.info("Further horizons are trained as %s: %s", name, why(fit) if fit else "no model fits yet")
    return name


def _check(version: Version, days: int, wanted: str) -> None:
    told = f"{version.name} version {version.version}"
    if (other := version.tags.get(HORIZON_TAG, str(days))) != str(days):
        raise ConfigError(f"{told} forecasts {counted(other, 'day')}, not {days}.", TRAIN_AGAIN)
    if wanted not in {AUTO, other := version.tags.get(TARGET_TAG, wanted)}:
        raise ConfigError(f"{told} forecasts {other}, not {wanted}.", TRAIN_AGAIN)
