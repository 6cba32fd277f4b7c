"""`turo first-forecast`: what a first start does after its models serve."""

from __future__ import annotations

import typer

from turo.commands.result import report


def first_forecast(context: typer.Context) -> None:
    """Forecast all horizons and write the report, training what is missing; nothing where that was done."""
    from turo.first_forecast import run

    report(run(context.obj))
