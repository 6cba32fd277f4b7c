"""Choose who forecasts each horizon, and what must be said about it. Horizons do not depend on each other.

The best champion of this fleet (see `turo.forecast.best_model`), or the one asked for by name, else the next
fit one in the order of MODEL_NAMES; without a fit one the best baseline of the fleet's own data. A horizon
without a table of these data is left out.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from turo.data import fleet_sketch
from turo.data.tables import Tables
from turo.errors import ConfigError, InputError, RegistryError
from turo.forecast import best_model, further_horizons
from turo.forecast.baselines import baseline_forecast
from turo.forecast.champions import Champion, load
from turo.forecast.forecast_columns import BASELINE
from turo.forecast.horizon_tables import HorizonTable, model_name, open_table, served_horizon
from turo.settings import BEST_MODEL, Settings
from turo.table.targets import target_name
from turo.training.evaluation.baselines import NAMES
from turo.training.trainable import why_not
from turo.words import by_number, counted

logger = logging.getLogger(__name__)

NAMED, NEXT, NO_MODEL = "asked for by name", "next in MODEL_NAMES", "no model fits"


@dataclass
class Choice:
    """The champions or baselines found, one a horizon, and notices, most urgent first."""

    found: list[Champion] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def choose(settings: Settings, model: str, horizons: Sequence[int], source: Tables) -> Choice:
    """Find who forecasts each horizon.

    Args:
        model: one of MODEL_NAMES, or BEST_MODEL.

    Raises:
        InputError: the input is of another fleet than the main table, no horizon at all has a table, or no
            baseline says anything.
    """
    main = open_table(settings, served_horizon(settings))
    _refuse_another_fleet(main, source)
    further_horizons.remove_unusable(settings, main)
    target = best_model.target(settings, main) if model == BEST_MODEL else ""
    choice, problems = Choice(), list[InputError]()
    for horizon in horizons:
        try:
            table = (
                main
                if horizon == main.horizon_days
                else further_horizons.open_further(settings, horizon, main)
            )
            champion, notice = _who(settings, model, table, target)
        except InputError as error:
            never = further_horizons.cannot_be_made(source, horizon)
            problem = InputError(never, "Bring older trips, or forecast fewer days.") if never else error
            problems.append(problem)
            choice.notices.append(f"No forecast for {counted(horizon, 'day')}: {problem}")
            logger.warning("No forecast for %s: %s", counted(horizon, "day"), problem)
            continue
        told = f"{champion.name} version {champion.version}"
        logger.info("Forecasting %s with %s: %s", counted(horizon, "day"), told, champion.why)
        choice.found.append(champion)
        choice.notices += [notice] if notice else []
    if not choice.found:
        raise problems[0]
    return choice


def _refuse_another_fleet(main: HorizonTable, source: Tables) -> None:
    """The page draws the trips of the input beside the numbers of the table: both must be of one fleet."""
    fleet = fleet_sketch.of_manifest(main.manifest)
    if fleet and source.fleet and not fleet_sketch.same(fleet, source.fleet):
        raise InputError(
            f"The files in {main.folder} are of another fleet than the prepared table: "
            f"{source.fleet.label}; the table is of {fleet.label}.",
            "Run `turo prepare`, or the DAG prepare_data, first.",
        )


def _who(settings: Settings, model: str, table: HorizonTable, target: str) -> tuple[Champion, str]:
    """The forecaster of one horizon, and what must be said of it."""
    ranking = best_model.rank(settings, table, target) if model == BEST_MODEL else best_model.Ranking([], [])
    fit, reasons = ranking.fit, list[str]()
    by_name = (model, *settings.model_names) if model != BEST_MODEL else ()
    for name in dict.fromkeys([*(candidate.name for candidate in fit), *by_name]):
        try:
            champion = load(model_name(name, table.horizon_days, settings), table)
        except (RegistryError, ConfigError, InputError) as error:
            reasons.append(error.what.rstrip("."))
            continue
        told = f"{champion.name} version {champion.version}"
        chosen = best_model.why(fit[len(reasons) :]) if fit else NEXT if reasons else NAMED
        notice = f"{_told(table, told)}, because {_lowered(reasons[0])}." if reasons else ""
        return replace(champion, why=chosen), notice
    reasons += [reason.rstrip(".") for reason in ranking.misfits]
    best = baseline_forecast.best(table, _target(settings))
    title = NAMES[best.key]
    return _as_champion(best, table), " ".join(
        [
            f"{_told(table, f'a baseline, “{title}”')}, because {_lowered(reasons[0])}.",
            _help(settings, table, best.target),
        ]
    )


def _told(table: HorizonTable, who: str) -> str:
    days = table.horizon_days
    return f"The next {counted(days, 'day')} {by_number(days, 'is', 'are')} forecast by {who}"


def _lowered(reason: str) -> str:
    return reason[0].lower() + reason[1:] if reason.startswith("The ") else reason


def _help(settings: Settings, table: HorizonTable, target: str) -> str:
    """Advice to train only where a training can work."""
    refusal = why_not(settings, str(table.folder), table.manifest, target)
    if refusal:
        return f"No model can be trained yet: {refusal}"
    dag = "prepare_data" if table.horizon_days == served_horizon(settings) else "forecast_fleet"
    return f"To have a model of this fleet, run the DAG {dag}, which trains one."


def _target(settings: Settings) -> str:
    return target_name(settings.target)


def _as_champion(best: baseline_forecast.Baseline, table: HorizonTable) -> Champion:
    return Champion(
        name=BASELINE,
        version=best.key,
        run_id="",
        forecaster=best,
        data_digest=table.digest,
        code_version=str(table.manifest.get("code_version", "")),
        metrics={f"baseline_{key}_mae": value for key, value in best.errors.items()},
        method=BASELINE,
        places=best.places,
        no_range=best.no_range,
        why=NO_MODEL,
    )
