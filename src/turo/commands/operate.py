"""`turo operate serve`: the small server of the service `operator`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What the service `operator` runs.")


@app.callback()
def operate() -> None:
    """What the service `operator` runs."""


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104 - in a container
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8088,
) -> None:
    """Answer metrics, findings and backups on demand, until stopped."""
    from turo.operate.server import http

    http.serve(context.obj, host, port)
