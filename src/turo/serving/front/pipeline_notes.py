"""What the home page says of the pipeline's runs and of the files that it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from turo import last_runs
from turo.last_runs import LastRun
from turo.prepare import input_notes
from turo.prepare.input_notes import CHECK, PREPARE, InputState

LONG = timedelta(hours=4)  # as long as a task may take: after it a step that has not told its end may be dead
SOON = timedelta(minutes=15)  # within it prepare_data begins, unless another run of it is under way
FURTHER = re.compile(r"-\d+d$")  # how the names of models of further horizons end


@dataclass(frozen=True)
class Notices:
    """Sentences."""

    attention: list[str]
    under_way: list[str]


def pipeline_notes(folder: Path, now: datetime) -> Notices:
    """Failed and lasting runs, files that are gone, files that wait.

    Args:
        folder: the data folder.
        now: UTC without zone.
    """
    runs, inputs = last_runs.read(folder), input_notes.state(folder)
    late = [run for run in runs if not run.ended and _moment(run.began, now) < now - LONG]
    running = [run for run in runs if not run.ended and run not in late]
    attention = [
        *(
            f"“{run.step}” failed on {_told(run.ended)}: {run.problem.rstrip('.')}. {_again(run.step)}"
            for run in runs
            if run.problem
        ),
        *(
            f"“{run.step}” began on {_told(run.began)} and has not told its end: it takes very long, or was "
            "stopped. Look in Airflow whether it still runs, and start it again if not."
            for run in late
        ),
        *(_gone(name, inputs.read_at) for name in inputs.gone),
    ]
    under_way = [f"“{run.step}” has been running since {_told(run.began)}." for run in running]
    if inputs.passed_at and not _is_told(runs, inputs):
        since = f"The files that passed their check on {_told(inputs.passed_at)}"
        if _moment(inputs.passed_at, now) > now - SOON:
            under_way.append(f"{since} are prepared next: prepare_data begins by itself.")
        else:
            attention.append(
                f"{since} are not in the table yet: prepare_data waits for another run, or failed before it "
                "could begin. Look in Airflow, and trigger prepare_data there if it is not under way."
            )
    return Notices(attention, under_way)


def _again(step: str) -> str:
    """How the step is tried again."""
    if step == CHECK:
        return (
            "Another file is checked by itself. To check the same one again, because a setting was changed, "
            "trigger new_files in Airflow."
        )
    if FURTHER.search(step):  # by hand it would need that horizon's own table: the DAG gives it
        return "Then trigger forecast_fleet in Airflow."
    dags = {"forecast": "forecast_fleet", "horizons": "forecast_fleet", "replay": "replay_track_record"}
    dag = dags.get(step, "prepare_data")
    return f"Then trigger {dag} in Airflow (or run `turo {step}`)."


def _gone(name: str, read_at: str) -> str:
    return (
        f"{name} was read on {_told(read_at)} and is gone from the data folder now; what was made of it "
        "stays. Put it back, or a newer one under its name. To go on without it, where it is optional, "
        "trigger prepare_data in Airflow (or run `turo prepare`)."
    )


def _is_told(runs: Sequence[LastRun], inputs: InputState) -> bool:
    """Whether the preparation of the files that passed is told by its run: under way, or failed."""
    return any(
        not run.ended or (run.problem and run.began >= inputs.passed_at)
        for run in runs
        if run.step == PREPARE
    )


def _moment(told: str, now: datetime) -> datetime:
    """UTC without zone; now where it cannot be read."""
    try:
        return datetime.fromisoformat(told).replace(tzinfo=None)
    except ValueError:
        return now


def _told(moment: str) -> str:
    try:
        return f"{datetime.fromisoformat(moment):%d %b %Y, %H:%M} UTC"
    except ValueError:
        return moment
