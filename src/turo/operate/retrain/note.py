"""Decides on a retraining by what this deployment remembers, and notes it in the decision log."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo import last_runs
from turo.operate.retrain.decide import Known, decide
from turo.operate.retrain.reasons import Reason

if TYPE_CHECKING:
    from turo.settings import Settings

EVENT = "retraining"  # in the decision log
STARTED = "prepare_data"  # the DAG, in the place of a model's name
PREPARE, TRAIN = "prepare", "train "  # the steps of prepare_data that last runs are noted of; a model's name

logger = logging.getLogger(__name__)


def decide_and_note(
    settings: Settings, run: str, reasons: Sequence[Reason], now: datetime | None = None
) -> dict[str, Any]:
    """One line in the decision log for a retraining that is due, before it is started; else none.

    Args:
        run: the run of prepare_data that is started then; asked again for it, nothing is noted twice.
        now: default the clock, UTC.

    Returns:
        A `Decision` as a mapping.
    """
    from turo.registry.decision_log import append_entry, read_entries

    lines = [line for line in read_entries(STARTED) if line["event"] == EVENT]
    known = Known(
        lines=lines,
        prepared=_prepared(settings),
        files=_files(settings),
        now=now or datetime.now(UTC),
        cool_down=timedelta(days=settings.retrain_cooldown_days),
        failed=_failed(settings),
    )
    decision = decide(run, reasons, known)
    if decision.start and not any(line.get("run") == run for line in lines):
        alerts = ", ".join(sorted({reason.alert for reason in reasons}))
        append_entry(EVENT, STARTED, "", decision.why, {"run": run, "alerts": alerts, "files": known.files})
    logger.info("%s: %s", "A retraining starts" if decision.start else "No retraining", decision.why)
    return asdict(decision)


def _prepared(settings: Settings) -> datetime | None:
    """When a table was last begun. No folder of this machine, no note: then the decision log alone tells."""
    if "://" in settings.data_dir:
        return None
    began = [run.began for run in last_runs.read(Path(settings.data_dir)) if run.step == PREPARE]
    return datetime.fromisoformat(began[0]) if began else None


def _failed(settings: Settings) -> bool:
    """Whether what was begun last did not end well; what is under way counts, which nobody starts beside."""
    if "://" in settings.data_dir:
        return False
    runs = last_runs.read(Path(settings.data_dir))
    began = next((run.began for run in runs if run.step == PREPARE), None)
    if began is None:
        return False
    of_it = [
        run for run in runs if run.step == PREPARE or (run.step.startswith(TRAIN) and run.began >= began)
    ]
    return any(run.problem or not run.ended for run in of_it)


def _files(settings: Settings) -> str:
    """A fingerprint of the input files' content; empty where they are not in a folder of this machine."""
    from turo.prepare import watched_inputs

    folder = Path(settings.data_dir)
    if "://" in settings.data_dir or not folder.is_dir():
        return ""
    found = watched_inputs.digests(folder, watched_inputs.states(folder, settings.input_files))
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() if found else ""
