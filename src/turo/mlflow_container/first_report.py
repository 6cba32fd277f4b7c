"""The first forecast and report, made by one Ray job once the first models serve, and where to look."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from turo import first_forecast
from turo.cluster.job_ids import job_id
from turo.cluster.jobs import connect
from turo.errors import TuroError
from turo.forecast.output import report_files
from turo.mlflow_container import progress
from turo.patience import Patience
from turo.settings import Settings
from turo.table import reader
from turo.table.names import REPORT

ROUTES_WITHIN_S = 180.0  # then the report is made without those that do not answer yet
LOOK_S = 1.0

logger = logging.getLogger(__name__)


def make(names: Iterable[str], settings: Settings) -> None:
    """Forecast unless that was done, then log the front door's address; a failure is logged and no more.

    Args:
        names: the models whose routes come first: the report must not take their processors.
    """
    try:
        _wait_for_routes(set(names), settings)
        if first_forecast.is_there(settings):
            logger.info("The report of this table is there already.")
        elif not first_forecast.has_dates(settings):
            logger.info("The take-home files have no trip dates: there is nothing to forecast.")
        else:
            # One that is asked for twice attaches. A report that was taken away since is another job.
            digest = reader.read(settings.data_dir).digest[:12]
            before = Path(settings.data_dir) / REPORT / report_files.MADE
            age = (before.stat().st_mtime_ns,) if before.exists() else ()
            parts = ("first-forecast", digest, settings.code_version, *age)
            connect(settings).run(job_id(*parts), ["turo", "first-forecast"])
    except TuroError as error:
        logger.error("There is no report, the routes are not affected: %s", error)  # noqa: TRY400
    except Exception:
        logger.exception("There is no report, the routes are not affected")
    logger.info("The front door is open:\n%s", address(settings))


def address(settings: Settings) -> str:
    """What to open in the browser of this machine."""
    port = settings.serve_public_port
    return f"http://localhost:{port}/" if port else f"{settings.serve_url.rstrip('/')}/"


def _wait_for_routes(names: set[str], settings: Settings) -> None:
    def served() -> bool:
        _, failed = progress.read(settings) or ((), {})
        try:
            routes = json.loads(settings.status_file.read_text())["routes"]
        except (OSError, ValueError, KeyError):
            return False
        return names <= {*failed, *(name for name, route in routes.items() if route["version"])}

    if not Patience(LOOK_S, ROUTES_WITHIN_S).poll(served):
        logger.warning("Some routes do not answer yet; the report is made meanwhile")
