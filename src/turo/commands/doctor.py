"""`turo doctor`: what is wrong, why, and what to do about it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from turo.errors import InputError


def doctor(
    context: typer.Context,
    host_facts: Annotated[str, typer.Option(help="File with what doctor.sh knows; - reads stdin.")] = "",
    folder: Annotated[Path | None, typer.Option(help="The project's folder; default PROJECT_DIR.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe, and say what was done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look for what stops the stack or will, and what is wrong in a running one. Exit 1 if one is an error.

    ./doctor.sh starts it with what only the host knows: Docker, ports, disk, memory.
    """
    from turo.operate.doctor import examine, page
    from turo.operate.doctor.gather import gather

    logging.getLogger("httpx").setLevel(logging.WARNING)  # the page says it all
    told = _read(host_facts) if host_facts else None
    place = folder or (context.obj.project_dir if context.obj else Path())
    facts = gather(place, told, context.obj)
    fixed = examine.fix(facts, place) if fix else []
    report = examine.examine(gather(place, told, context.obj) if fixed else facts, fixed=fixed)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        for line in page.lines(report):
            typer.echo(line)
    if report.failed:
        raise typer.Exit(1)


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"--host-facts {name} cannot be read: {error}.", "Start ./doctor.sh instead."
        ) from error
