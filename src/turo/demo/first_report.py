"""The demo's forecasts and report, made once its routes answer."""

from __future__ import annotations

import logging

from rich.console import Console

from turo.demo.progress import progress_bar, step
from turo.settings import Settings

logger = logging.getLogger(__name__)


def make(console: Console, settings: Settings) -> None:
    """Make them where they are not there; a failure is told and takes no route down."""
    from turo import first_forecast

    if not first_forecast.has_dates(settings):
        console.print("No forecasts: the take-home files have no trip dates.")
        return
    try:
        title = f"forecasts of {first_forecast.days_told(settings)}, report"
        with progress_bar(console) as progress, step(progress, title):
            made = first_forecast.run(settings)
    except Exception as error:
        logger.exception("There is no report")
        console.print(f"There is no report; the routes are not affected. {error}", markup=False)
    else:
        logger.info("First forecast: %s", made)
