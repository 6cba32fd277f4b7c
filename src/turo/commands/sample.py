"""`turo generate` and `turo reset-sample`: the synthetic fleet, made and put away."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from turo.commands.result import report
from turo.errors import ConfigError


def generate(  # noqa: PLR0913, PLR0917 - the command's options
    out: Annotated[Path, typer.Option(help="Folder for the sample.")] = Path("datas"),
    vehicles: Annotated[int, typer.Option(min=1)] = 120,
    years: Annotated[int, typer.Option(min=1)] = 3,
    seed: int = 7,
    end: Annotated[datetime, typer.Option(help="When the snapshot is taken.")] = datetime(2026, 11, 24),
    horizon: Annotated[list[int] | None, typer.Option(min=1, help="Days, repeatable. Default 28.")] = None,
) -> None:
    """Write a seeded synthetic fleet; oracle.csv and oracle_totals.csv: what may truly be expected of it."""
    from turo.data.synthetic.generate import ORACLE_HORIZONS, write_sample

    horizons = tuple(horizon) if horizon else ORACLE_HORIZONS
    write_sample(out, vehicles=vehicles, years=years, seed=seed, end=end, horizons=horizons)


def reset_sample(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Move the sample's files back.")] = False,
) -> None:
    """Put the sample's files, tables and forecasts away, to make room for data of one's own."""
    from turo.prepare import reset_sample as sample

    settings = context.obj
    if undo:
        return report(sample.undo(settings))
    if not (names := [path.name for path in sample.found(settings)]):
        return typer.echo(f"Nothing of the sample is left in {settings.data_dir}.")
    typer.echo(f"To {settings.data_dir}/other-fleets: {', '.join(names)}, and the sample's forecasts.")
    if not yes and not sys.stdin.isatty():
        raise ConfigError("Nobody can be asked here.", "Run `turo reset-sample --yes`.")
    if yes or typer.confirm("Move them?"):
        report(sample.reset(settings))
        typer.echo(sample.NEXT)
