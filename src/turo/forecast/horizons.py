"""Tables and models of the horizons that are not served: what must be prepared, what must be trained."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from turo.errors import InputError
from turo.forecast.tables import Table, model_name, open_table, served_horizon, table_folder
from turo.settings import Settings

logger = logging.getLogger(__name__)

AUTO, TARGET_TAG = "auto", "turo.target"
SAME = ("inputs", "snapshot", "code_version")  # tables that agree in these belong together


def make_ready(settings: Settings, model: str = "", horizons: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Prepare the tables of the other horizons, and say which of their models must be trained.

    A model must be trained when its name has no champion, or when none of its versions saw the table as it is
    now: a candidate that the gate refused is not trained again on the same data.

    Args:
        model: a served name; default FORECAST_MODEL, else the first of MODEL_NAMES.
        horizons: days; default FORECAST_HORIZONS.

    Returns:
        One entry a training, as the DAG takes it: name, path (MLflow project), option (target=…), and env
        (DATA_DIR, HORIZON_DAYS).
    """
    from turo.training import projects

    model = model or settings.forecast_model or settings.model_names[0]
    served = served_horizon(settings)
    path, target = str(projects.path_of(model, settings)), _target(model, settings)
    needed = []
    for table in _tables(settings, sorted({*(horizons or settings.forecast_horizons)} - {served}), served):
        horizon = table.horizon_days
        name = model_name(model, horizon, settings)
        if _is_trained(name, table.digest, target):
            logger.info("%s was trained on this table already", name)
            continue
        env = {"DATA_DIR": str(table.folder.resolve()), "HORIZON_DAYS": str(horizon)}
        needed.append({"name": name, "path": path, "option": f"target={target}", "env": env})
    return needed


def _tables(settings: Settings, horizons: Sequence[int], served: int) -> list[Table]:
    """The tables of those horizons, from the same input as the main one."""
    main, tables = open_table(settings, served), []
    for horizon in horizons:
        try:
            tables.append(_prepared(settings, main, horizon))
        except InputError as error:  # a horizon longer than the history; the others need not suffer
            logger.warning("No table for %d days: %s", horizon, error)
    if any(not _same(table, main) for table in tables):
        logger.info("The input files are newer than the table for %d days: it is made again, too", served)
        main = _prepare(settings, served)
        return [table if _same(table, main) else _prepare(settings, table.horizon_days) for table in tables]
    return tables


def _prepared(settings: Settings, main: Table, horizon: int) -> Table:
    """The table of a horizon; made now unless it comes from the same input as the main one."""
    try:
        table = open_table(settings, horizon)
    except InputError:
        logger.info("There is no table for %d days yet", horizon)
        return _prepare(settings, horizon)
    return table if _same(table, main) else _prepare(settings, horizon)


def _same(table: Table, main: Table) -> bool:
    return all(table.manifest.get(name) == main.manifest.get(name) for name in SAME)


def _prepare(settings: Settings, horizon: int) -> Table:
    from turo import prepare

    other = settings.model_copy(update={"horizon_days": horizon})
    prepare.run(other, folder=str(table_folder(settings, horizon)))
    return open_table(settings, horizon)


def _target(model: str, settings: Settings) -> str:
    """What the other horizons forecast: TARGET, or where that is auto what the served champion forecasts."""
    from turo import registry

    champion = registry.champion(model)
    served = champion.tags.get(TARGET_TAG, AUTO) if champion else AUTO
    if settings.target == AUTO:
        return served
    if served not in {AUTO, settings.target}:
        logger.warning(
            "%s forecasts %s, TARGET is %s: run prepare_data again so that all horizons agree",
            model, served, settings.target,
        )  # fmt: skip
    return settings.target


def _is_trained(name: str, digest: str, target: str) -> bool:
    """Whether it has a champion of this target, and some version of it saw this table."""
    from turo import registry

    def fits(version: Any) -> bool:
        return target == AUTO or version.tags.get(TARGET_TAG, target) == target

    champion = registry.champion(name)
    if champion is None or not fits(champion):
        return False
    found = registry.client().search_model_versions(f"name='{name}'")
    return any(version.tags.get("turo.data_digest") == digest and fits(version) for version in found)
