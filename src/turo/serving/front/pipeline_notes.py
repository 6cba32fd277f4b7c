"""What the home page says of the pipeline's runs and of the files that it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from turo import last_runs
from turo.last_runs import LastRun
from turo.prepare import input_notes, watched_inputs
from turo.prepare.input_notes import CHECK, PREPARE, InputState

if TYPE_CHECKING:
    from turo.settings import Settings

LONG = timedelta(hours=4)  # as long as a task may take: after it a step that has not told its end may be dead
SOON = timedelta(minutes=15)  # within it prepare_data begins, unless another run of it is under way
FURTHER = re.compile(r"-\d+d$")  # how the names of models of further horizons end


@dataclass(frozen=True)
class Notices:
    """Sentences."""

    attention: list[str]
    under_way: list[str]


@dataclass(frozen=True)
class Watched:
    """The input files as the settings ask for them.

    Attributes:
        names: RESERVATIONS_FILE, VEHICLES_FILE, BLOCKS_FILE.
        by_itself: whether another file is noticed, checked and prepared with no click.
    """

    names: Sequence[str] = ("reservations.csv", "vehicles.csv", "blocks.csv")
    by_itself: bool = True


WATCHED = Watched()


def watched(settings: Settings) -> Watched:
    """As this installation does it: the DAG new_files needs an Airflow."""
    airflow = bool(settings.airflow_public_port or "airflow" in dict(settings.service_urls))
    return Watched(settings.input_files, settings.watch_files and airflow)


def pipeline_notes(folder: Path, now: datetime, asked: Watched = WATCHED) -> Notices:
    """Failed and lasting runs, files that are gone, files that wait.

    Args:
        folder: the data folder.
        now: UTC without zone.
        asked: which files are read.
    """
    runs, inputs = last_runs.read(folder), input_notes.state(folder)
    late = [run for run in runs if not run.ended and _moment(run.began, now) < now - LONG]
    running = [run for run in runs if not run.ended and run not in late]
    failed = {run.step for run in runs if run.problem}
    attention = [
        *(
            f"“{run.step}” failed on {_told(run.ended)}: {run.problem.rstrip('.')}. {_again(run.step, asked)}"
            for run in runs
            if run.problem
        ),
        *(
            f"“{run.step}” began on {_told(run.began)} and has not told its end: it takes very long, or was "
            "stopped. Look in Airflow whether it still runs, and start it again if not."
            for run in late
        ),
        *_gone(folder, inputs, asked, failed),
    ]
    under_way = [f"“{run.step}” has been running since {_told(run.began)}." for run in running]
    if inputs.passed_at and not _is_told(runs, inputs):
        since = f"The files that passed their check on {_told(inputs.passed_at)}"
        if not asked.by_itself or PREPARE in failed:  # then a person may have checked them
            attention.append(
                f"{since} are not in the table yet: where new_files checked them, prepare_data begins by "
                "itself; else trigger it in Airflow (or run `turo prepare`)."
            )
        elif _moment(inputs.passed_at, now) > now - SOON:
            under_way.append(f"{since} are prepared next: prepare_data begins by itself.")
        else:
            attention.append(
                f"{since} are not in the table yet: prepare_data waits for another run, or failed before it "
                "could begin. Look in Airflow, and trigger prepare_data there if it is not under way."
            )
    return Notices(attention, under_way)


def _again(step: str, asked: Watched) -> str:
    """How the step is tried again."""
    if step == CHECK and not asked.by_itself:
        return (
            "To check another file, or the same one again, trigger new_files in Airflow (or run `turo check "
            "--noted`)."
        )
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


def _gone(folder: Path, inputs: InputState, asked: Watched, failed: Set[str]) -> list[str]:
    """A sentence for each file that is gone, with what it takes to go on."""
    try:
        missed = {name for name in inputs.gone if watched_inputs.is_missed(folder, name, asked.names)}
    except OSError:  # a folder that is closed: the preparation itself tells what it cannot read
        missed = set()
    sentences = []
    for name in inputs.gone:
        optional = watched_inputs.is_optional(folder, name, asked.names)
        if name in missed:
            way = "Nothing can be prepared without it."
        elif missed:
            way = f"First of all {' and '.join(sorted(missed))} must be there."
        elif optional and asked.by_itself and not failed & {CHECK, PREPARE}:
            way = (
                "It is optional: unless it is put back within a few minutes, what is there is checked and "
                "prepared without it, by itself."
            )
        else:
            way = "To go on without it, trigger prepare_data in Airflow (or run `turo prepare`)."
        sentences.append(
            f"{name} was read on {_told(inputs.read_at)} and is gone from the data folder now; what was made "
            f"of it stays. Put it back, or a newer one under its name. {way}"
        )
    return sentences


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
