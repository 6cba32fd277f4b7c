"""`turo note-retraining`: whether the models are trained again, for the DAG that would start it."""

from __future__ import annotations

from typing import Annotated

import typer

from turo.commands.result import report


def note_retraining(
    context: typer.Context,
    run: Annotated[str, typer.Option(help="Id of the run of prepare_data that would be started.")],
    reasons: Annotated[str, typer.Option(help="JSON list of {alert, what, since}.")],
) -> None:
    """Decide whether a retraining is due for these reasons, and note it in the log; starts nothing."""
    from turo.operate.retrain.note import decide_and_note
    from turo.operate.retrain.reasons import from_text

    report(decide_and_note(context.obj, run, from_text(reasons)))
