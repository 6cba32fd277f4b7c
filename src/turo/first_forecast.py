"""The first forecast without a click: further horizons' tables and models, forecasts, report; one process."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from turo import last_runs
from turo.environment import lent
from turo.errors import InputError, TuroError
from turo.forecast import fleet_forecast, prepare_horizons
from turo.forecast.horizon_tables import data_folder, open_table
from turo.forecast.output import report_files, store
from turo.forecast.report import page
from turo.gate import promote
from turo.settings import Settings
from turo.table import reader
from turo.table.names import REPORT, TAKEHOME
from turo.training import mlflow_projects

STEP = "forecast"  # as `turo forecast` is noted: the next good one takes this one's place

logger = logging.getLogger(__name__)


def run(settings: Settings) -> dict[str, Any]:
    """Forecast the horizons of FORECAST_HORIZONS, unless that was done for the table that is there.

    Models that are missing for further horizons are trained first. One that cannot be trained is noted, and
    takes nothing else away: its horizon is forecast by what `turo.forecast.forecaster_choice` finds instead.

    Returns:
        made: whether there was anything to do; and what `fleet_forecast.run` returns.

    Raises:
        TuroError: there is no forecast; noted in the data folder.
    """
    folder = data_folder(settings)
    if is_there(settings):
        logger.info("The report of this table is there: nothing is forecast")
        return {"made": False}
    if not has_dates(settings):
        logger.info("The take-home files have no trip dates: nothing can be forecast")
        return {"made": False}
    with last_runs.noted(folder, STEP):
        for needed in prepare_horizons.make_ready(settings):
            _train(folder, settings, needed)
        return {"made": True, **fleet_forecast.run(settings)}


def is_there(settings: Settings) -> bool:
    """Whether forecasts and report of the table's data and newest Monday lie in the data folder, whole."""
    folder = data_folder(settings)
    try:
        made = json.loads((folder / REPORT / report_files.MADE).read_text(encoding="utf-8"))
        table = open_table(settings, int(made["main"]))
        fits = made["data_digest"] == table.digest and made["origin"] == str(table.newest_origin())
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return False
    written: Sequence[str] = (store.CSV, store.TOTALS_CSV, page.FILE)
    return (
        fits and made.get("form") == report_files.FORM and all((folder / name).is_file() for name in written)
    )


def has_dates(settings: Settings) -> bool:
    """Whether the table is of files with trip dates, without which there is no window to forecast."""
    return bool(reader.manifest(str(data_folder(settings))).get("profile") != TAKEHOME)


def days_told(settings: Settings) -> str:
    """The horizons in words: 7, 28 and 90 days."""
    days = [str(horizon) for horizon in sorted({*settings.forecast_horizons})]
    return f"{' and '.join([', '.join(days[:-1]), days[-1]] if days[1:] else days)} days"


def _train(folder: Path, settings: Settings, needed: Mapping[str, Any]) -> None:
    """Train and promote the model of one horizon; what goes wrong is logged and noted."""
    name, path, env = needed["name"], needed["path"], needed["env"]
    other = settings.model_copy(
        update={"data_dir": env["DATA_DIR"], "horizon_days": int(env["HORIZON_DAYS"])}
    )
    key, value = needed["option"].split("=", 1)
    run_key = f"first-forecast-{open_table(settings, other.horizon_days).digest[:12]}"
    try:
        with last_runs.noted(folder, f"train {name}"), lent(env):
            run_id = mlflow_projects.launch(name, path, {key: value}, run_key, other)
            logger.info("%s", promote.promote(name, run_id, run_key, other))
    except TuroError as error:
        logger.error("%s is not trained, the other horizons are not affected: %s", name, error)  # noqa: TRY400
    except Exception:
        logger.exception("%s is not trained, the other horizons are not affected", name)
