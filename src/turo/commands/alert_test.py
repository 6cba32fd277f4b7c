"""`turo alert-test`: do alerts reach anybody?"""

from __future__ import annotations

import logging
from typing import Annotated

import typer

Within = Annotated[float, typer.Option(min=1, help="Seconds to wait for the message to arrive.")]


def alert_test(context: typer.Context, within: Within = 30.0) -> None:
    """Send one message to whoever is told of alerts; where it does not arrive, the reason and exit code 1."""
    from turo.operate.alert_test import send
    from turo.operate.ask.alertmanager import Alertmanager

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it asks until the message has arrived
    settings = context.obj
    for line in send(Alertmanager(settings.alertmanager_url), within):
        typer.echo(line)
