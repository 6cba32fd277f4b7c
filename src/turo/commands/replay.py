"""`turo replay`: what would have been forecast on past Mondays, and what came true."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from turo.commands import steps
from turo.commands.options import days
from turo.commands.result import report
from turo.errors import ConfigError


def replay(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="First Monday, YYYY-MM-DD; default: 52 weeks back.")] = "",
    model: Annotated[str, typer.Option(help="One of MODEL_NAMES; default FORECAST_MODEL or the first.")] = "",
    horizons: Annotated[str, typer.Option(help="Days by comma; default FORECAST_HORIZONS.")] = "",
    retrain_weeks: Annotated[int, typer.Option(min=1, help="Mondays between two trainings.")] = 13,
) -> None:
    """Forecast past Mondays from what was known then; write track-record.csv and track-record.html."""
    from turo.replay.run import run

    with steps.noted(context.obj, "replay"):
        report(run(context.obj, _day(since), model, days(horizons), retrain_weeks))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError(f"--since {text!r} is no date.", "Write it like 2025-11-24.") from error
