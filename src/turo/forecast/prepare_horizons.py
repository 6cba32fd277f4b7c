"""What must be prepared and trained for the further horizons: their tables and models."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence, Set
from typing import Any

from turo import last_runs
from turo.errors import InputError
from turo.forecast import best_model
from turo.forecast.champions import TARGET_TAG, is_of
from turo.forecast.further_horizons import check, remove_unusable
from turo.forecast.horizon_tables import (
    HorizonTable,
    data_folder,
    further_folder,
    model_name,
    open_table,
    served_horizon,
    table_folder,
)
from turo.registry.client import Version
from turo.settings import BEST_MODEL, Settings
from turo.table.targets import AUTO
from turo.training.trainable import why_not
from turo.words import counted

FURTHER = re.compile(r"(?:train|promote) (.+-\d+d)")  # how the steps of these models are noted

logger = logging.getLogger(__name__)


def make_ready(settings: Settings, model: str = "", horizons: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Prepare the tables of the other horizons, and say which of their models must be trained.

    A model must be trained when its name has no champion of this fleet, or when none of its versions saw the
    table as it is now: a candidate that the gate refused is not trained again on the same data. Where the
    data do not suffice for a training, none is listed. How earlier trainings ended that are not listed any
    more is forgotten: nobody can or need try them again.

    Args:
        model: one of MODEL_NAMES, or `auto` for the best of the main horizon; default FORECAST_MODEL.
        horizons: days; default FORECAST_HORIZONS.

    Returns:
        One entry a training, as the DAG takes it: name, path (MLflow project), option (target=…), and env
        (DATA_DIR, HORIZON_DAYS).

    Raises:
        ConfigError: no such model, or MODEL_PATHS names no project of it.
    """
    from turo.training import mlflow_projects

    model, projects = settings.asked_model(model), mlflow_projects.configured(settings)
    served = served_horizon(settings)
    tables = _tables(settings, sorted({*(horizons or settings.forecast_horizons)} - {served}), served)
    if model == BEST_MODEL:
        model = best_model.kind(settings, open_table(settings, served))
    path, target = str(projects[model]), _target(model, settings)
    needed = []
    for table in tables:
        horizon = table.horizon_days
        name = model_name(model, horizon, settings)
        if _is_trained(name, table, target):
            logger.info("%s was trained on this table already", name)
            continue
        refusal = why_not(settings, str(table.folder), table.manifest, target)
        if refusal:
            logger.warning("No model %s can be trained yet: %s", name, refusal)
            continue
        env = {"DATA_DIR": str(table.folder.resolve()), "HORIZON_DAYS": str(horizon)}
        needed.append({"name": name, "path": path, "option": f"target={target}", "env": env})
    _forget_others(settings, {str(entry["name"]) for entry in needed})
    return needed


def _forget_others(settings: Settings, needed: Set[str]) -> None:
    folder = data_folder(settings)
    for run in last_runs.read(folder):
        noted = FURTHER.fullmatch(run.step)
        if noted and noted[1] not in needed and noted[1] not in settings.model_names:
            last_runs.forget(folder, run.step)


def _tables(settings: Settings, horizons: Sequence[int], served: int) -> list[HorizonTable]:
    """The tables of those horizons, of the main one's data; whatever else lies in their places is removed."""
    main = open_table(settings, served)
    tables = _each(settings, horizons, main)
    if any(not _same(table, main) for table in tables):
        logger.info(
            "The input files are newer than the table for %s: it is made again, too", counted(served, "day")
        )
        main = _prepare(settings, served)
        tables = _each(settings, horizons, main)
    remove_unusable(settings, main)
    return [table for table in tables if _same(table, main)]


def _each(settings: Settings, horizons: Sequence[int], main: HorizonTable) -> list[HorizonTable]:
    tables = []
    for horizon in horizons:
        try:
            tables.append(_prepared(settings, main, horizon))
        except InputError as error:  # a horizon longer than the history; the others do not depend on it
            logger.warning("No table for %s: %s", counted(horizon, "day"), error)
            shutil.rmtree(further_folder(settings, horizon), ignore_errors=True)
    return tables


def _prepared(settings: Settings, main: HorizonTable, horizon: int) -> HorizonTable:
    """The table of a horizon; made now unless it is of the main one's data and made by the same code."""
    try:
        table = open_table(settings, horizon)
    except InputError as error:
        logger.info("The table for %s is made: %s", counted(horizon, "day"), error.what)
        return _prepare(settings, horizon)
    return table if _same(table, main) else _prepare(settings, horizon)


def _same(table: HorizonTable, main: HorizonTable) -> bool:
    try:
        check(table, main)
    except InputError:
        return False
    return table.manifest.get("code_version") == main.manifest.get("code_version")


def _prepare(settings: Settings, horizon: int) -> HorizonTable:
    from turo.prepare import run

    other, place = settings.model_copy(update={"horizon_days": horizon}), table_folder(settings, horizon)
    # Without a folder it is the main table: one of another fleet moves the files beside it away.
    run.run(other, folder="" if place == data_folder(settings) else str(place))
    return open_table(settings, horizon)


def _target(model: str, settings: Settings) -> str:
    """What the other horizons forecast: TARGET, or where that is auto what the served champion forecasts."""
    from turo.registry import aliases

    champion = aliases.champion(model)
    served = champion.tags.get(TARGET_TAG, AUTO) if champion else AUTO
    if settings.target == AUTO:
        return served
    if served not in {AUTO, settings.target}:
        logger.warning(
            "%s forecasts %s, TARGET is %s: run prepare_data again so that all horizons agree",
            model, served, settings.target,
        )  # fmt: skip
    return settings.target


def _is_trained(name: str, table: HorizonTable, target: str) -> bool:
    """Whether it has a champion of this fleet and target, and some version of it saw this table."""
    from turo.registry import aliases, versions

    def fits(version: Version) -> bool:
        return target == AUTO or version.tags.get(TARGET_TAG, target) == target

    champion = aliases.champion(name)
    if champion is None or not is_of(champion, table) or not fits(champion):
        return False
    found = versions.search(f"name='{name}'")
    return any(version.tags.get("turo.data_digest") == table.digest and fits(version) for version in found)
