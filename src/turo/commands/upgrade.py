"""`turo upgrade …`: what `./upgrade.sh` asks of the operator's container; by hand only `check` is of use."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from turo.errors import ServiceError
from turo.words import counted

app = typer.Typer(no_args_is_help=True, help="Parts of ./upgrade.sh, which moves the platform to a version.")


@app.command()
def check(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="Checkout of the version.")],
    names: Annotated[bool, typer.Option("--names", help="Names in .env come by stdin, one a line.")] = False,
) -> None:
    """Is the way to a version open, and what is to be known of it? Changes nothing."""
    from turo.operate.upgrade.check import check as look

    for sentence in look(target, context.obj, sys.stdin.read().split() if names else ()):
        typer.echo(f"  note: {sentence}")


@app.command()
def note(context: typer.Context) -> None:
    """Write down which routes answer and which errors the doctor knows, for `prove`."""
    from turo.operate.upgrade import proof

    _quiet()
    before = proof.note(context.obj)
    told = (
        "the stack is down" if before.routes is None else f"{counted(len(before.routes), 'route')} answering"
    )
    typer.echo(f"  before: {told}, {counted(len(before.errors), 'error')} of the doctor's")


@app.command()
def prove(context: typer.Context) -> None:
    """Does all that answered before answer again, and does the doctor find no new error?"""
    from turo.operate.upgrade import proof

    _quiet()
    if wrong := proof.prove(context.obj):
        raise ServiceError("The new version is not as the old one was: " + " ".join(wrong))
    proof.forget(context.obj.backups_dir)
    typer.echo("  routes, Airflow and MLflow answer, and the doctor finds nothing new.")


@app.command()
def back(
    context: typer.Context, archive: Annotated[str, typer.Argument(help="A name of `turo backup --list`.")]
) -> None:
    """Put an archive in the place of what is here, which is put aside; only while nothing runs."""
    from turo.operate.backup.restore import find_archive
    from turo.operate.upgrade.back import back as bring

    done = bring(find_archive(archive, context.obj), context.obj)
    typer.echo(f"  back from {done.archive}: {counted(done.members, 'file')}.")
    for sentence in done.notes:
        typer.echo(f"  note: {sentence}")


def _quiet() -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # what is said says it all
