"""`turo status`: services, routes, data, forecast, machine and schedule on one screen."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Annotated

import typer


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object.")] = False,
) -> None:
    """Show what runs, what is served, how old the data are and what runs next. Exit 1 unless all answers."""
    from turo.operate.status import data_folder, machine, page, questions, stack

    settings = context.obj
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request
    answers = questions.ask(settings)
    folder = data_folder.read(settings.data_dir)
    found = stack.status_of(settings, answers, folder, machine.rooms(settings.data_dir), datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(found.plain(), indent=2))
    else:
        from rich.console import Console

        page.show(found, Console())
    if not found.all_answer:
        raise typer.Exit(1)
