"""`turo backup` and `turo restore`: all that cannot be made again, in one file, and back."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from turo.errors import ConfigError
from turo.words import counted

NEXT = "Now `docker compose up -d --wait`: secrets are handed out, databases migrated, champions served."


def backup(
    context: typer.Context,
    listing: Annotated[bool, typer.Option("--list", help="Name the archives that are there.")] = False,
    kept: Annotated[bool, typer.Option("--kept", help="Newer ones do not remove it.")] = False,
    verify: Annotated[str, typer.Option(metavar="ARCHIVE", help="Read one from end to end instead.")] = "",
) -> None:
    """Put databases, models, data and secrets into one archive below backups/, while everything runs."""
    from turo.operate.backup import archive_name, archive_reader, make_backup, restore

    settings = context.obj
    if listing:
        for found in archive_name.archives(settings.backups_dir):
            typer.echo(
                f"{found.made_at:%Y-%m-%d %H:%M} UTC  {_size(found.path.stat().st_size)}  {found.path.name}"
            )
        return
    if verify:
        path = restore.find_archive(verify, settings)
        manifest = archive_reader.verify(path)
        typer.echo(
            f"{path.name} is whole: {counted(len(manifest.members), 'file')}, made at {manifest.made_at}."
        )
        for note in manifest.notes:
            typer.echo(f"  note: {note}")
        return
    made = make_backup.make_backup(settings, kept)
    typer.echo(
        f"{made.path.name}: {counted(made.members, 'file')}, {_size(made.size)}, "
        f"read again and whole, in {counted(round(made.seconds), 'second')}."
    )
    for note in made.notes:
        typer.echo(f"  note: {note}")
    if made.removed:
        typer.echo(f"  removed (BACKUPS_KEPT={settings.backups_kept}): {', '.join(made.removed)}")


def restore(
    context: typer.Context,
    archive: Annotated[str, typer.Argument(help="File, or a name of `turo backup --list`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    env_only: Annotated[
        bool, typer.Option("--env-only", help="Lay its .env and overrides into backups/, no more.")
    ] = False,
) -> None:
    """Bring an archive back into an empty stack; checks all of it before anything is touched."""
    from turo.operate.backup import configuration
    from turo.operate.backup import restore as bring

    settings = context.obj
    path = bring.find_archive(archive, settings)
    if env_only:
        for told in configuration.lay_beside(path, settings) or [
            "Its .env and overrides are those that are here."
        ]:
            typer.echo(told)
        return
    manifest = bring.may_restore(path, settings)
    turo = manifest.versions.get("turo", "unknown")
    typer.echo(
        f"{path.name}: {counted(len(manifest.members), 'file')}, made at {manifest.made_at} by turo {turo}."
    )
    if manifest.running:
        typer.echo(f"  under way then: {', '.join(manifest.running)}")
    if not yes and not sys.stdin.isatty():
        raise ConfigError("Nobody can be asked here.", "Run it with --yes.")
    if not (yes or typer.confirm("Restore it?")):
        raise typer.Abort
    done = bring.restore(path, settings)
    typer.echo(f"Restored: {counted(done.members, 'file')}.")
    for note in done.notes:
        typer.echo(f"  note: {note}")
    typer.echo(NEXT)


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
