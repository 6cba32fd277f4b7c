"""`turo check`: what would be read of a file, before anything is done with it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from turo.commands import steps
from turo.commands.result import report


def check(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Files; none: those of DATA_DIR.")] = None,
    noted: Annotated[bool, typer.Option("--noted", help="Keep the outcome in DATA_DIR/last-runs.")] = False,
) -> None:
    """Say what would be read and what is missing; changes nothing. Exit 1 if it would be refused."""
    from turo.prepare import check_page, file_check, input_notes

    settings = context.obj
    logging.getLogger("turo.data").setLevel(logging.ERROR)  # the page says it all
    wanted: dict[str, bool] = {}
    with ExitStack() as kept:
        if noted:
            kept.enter_context(steps.noted(settings, input_notes.CHECK))
            wanted = kept.enter_context(steps.checked(settings))
        found = file_check.check(settings, files or ())
        for line in check_page.lines(found, settings.vehicles_file, settings.blocks_file):
            typer.echo(line)
        if found.refusal is not None:
            raise found.refusal
    if noted:
        report({"files": list(found.files), "rejected": found.rejected.height, **wanted})
