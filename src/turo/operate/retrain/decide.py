"""Whether a retraining is due. Pure: no service, no file, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from turo.operate.retrain.reasons import Reason
from turo.words import listed


@dataclass(frozen=True)
class Known:
    """What is known beside the reasons.

    Attributes:
        lines: what the decision log has of earlier retrainings, the newest first.
        prepared: when a table was last begun, by whomever and however that ended; None: never.
        files: a fingerprint of the input files; empty where they cannot be told.
        now: with its time zone, as all moments here.
        cool_down: the least time between two retrainings.
        failed: the table that was begun last, or a model's training after it, failed or was killed.
    """

    lines: Sequence[Mapping[str, str]]
    prepared: datetime | None
    files: str
    now: datetime
    cool_down: timedelta
    failed: bool = False


@dataclass(frozen=True)
class Decision:
    """Whether to start a retraining, and why or why not, as a sentence.

    Attributes:
        run: the run to start; where none is to be started, the one that the log says was: start it if there
            is no such run, which is no second one. Empty: there is none to look for.
        reason: what that run is started for.
    """

    start: bool
    why: str
    run: str = ""
    reason: str = ""


def decide(run: str, reasons: Sequence[Reason], known: Known) -> Decision:
    """Start one only for what nothing has answered yet; asked again for the same run, answer the same.

    Args:
        run: the run of prepare_data that would be started.
    """
    for line in known.lines:
        if line.get("run") == run:  # it was decided, and the answer got lost
            return Decision(start=True, why=line["reason"], run=run, reason=line["reason"])
    if not reasons:
        return Decision(start=False, why="Nothing speaks for a retraining.")
    answered = None if known.failed else known.prepared
    unanswered = [reason for reason in reasons if not answered or reason.since > answered]
    if answered and not unanswered:
        began = f"{answered:%Y-%m-%d %H:%M} UTC"
        return Decision(
            start=False,
            why=f"prepare_data has run since this began ({began}): what a training can change, it has.",
        )
    if known.lines:
        last = datetime.fromisoformat(known.lines[0]["at"])
        if known.now - last < known.cool_down:
            until = f"{last + known.cool_down:%Y-%m-%d %H:%M} UTC"
            return _decided(known.lines[0], f"One was started lately; the next may start at {until}.")
    same = [line for line in known.lines if known.files and line.get("files") == known.files]
    again = known.failed and len(same) == 1
    if same and not again:
        return _decided(
            same[0],
            f"One was started for these very input files already, on {same[0]['at'][:10]}: the models "
            "would be the same. Newer files can change that; where its run failed, trigger prepare_data.",
        )
    last_one = "; the one that was started for it failed, and is tried once more" if again else ""
    why = f"{listed([reason.what for reason in unanswered])}{last_one}."
    return Decision(start=True, why=why, run=run, reason=why)


def _decided(line: Mapping[str, str], why: str) -> Decision:
    """None is to be started, since that one was."""
    return Decision(start=False, why=why, run=line.get("run", ""), reason=line.get("reason", ""))
