"""How a step that a person or a DAG started ended, kept beside the data for whoever looks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from turo import last_runs
from turo.errors import TuroError
from turo.prepare import input_notes, watched_inputs
from turo.table.names import COSTS, FURTHER_HORIZON

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from turo.settings import Settings

logger = logging.getLogger(__name__)


def noted(settings: Settings, step: str) -> AbstractContextManager[None]:
    """Note how the step ends, where the data folder is one of this machine.

    A training on a further horizon's own table is noted beside the main one, where people look.
    """
    folder = _local(settings)
    if folder is not None and folder.name == f"{FURTHER_HORIZON}{settings.horizon_days}":
        folder = folder.parent
    return nullcontext() if folder is None else last_runs.noted(folder, step)


@contextmanager
def remembered(settings: Settings) -> Iterator[None]:
    """Remember the input files as `prepare` took them, so that the DAG new_files sees no news in them."""
    folder = _local(settings)
    # Hashed first, and one that is replaced or taken away meanwhile is not remembered: it stays news.
    before = {} if folder is None else _states(folder, settings.input_files)
    found = {} if folder is None else watched_inputs.digests(folder, before)
    if folder is not None:
        _kept(lambda: input_notes.tried(folder, found), folder)
    yield
    if folder is not None:
        after = _states(folder, settings.input_files)
        same = {name: sha for name, sha in found.items() if before[name] == after.get(name)}
        _kept(lambda: input_notes.taken(folder, same), folder)


@contextmanager
def checked(settings: Settings) -> Iterator[dict[str, bool]]:
    """Remember the input files that the check in this block refuses, or that are to be prepared after it.

    Returns:
        Filled once the check is over: `news`, whether they are to be prepared; `costs`, whether a costs.csv
        wants another report. Both false where the folder is none of this machine.
    """
    outcome = {"news": False, "costs": False}
    folder, names = _local(settings), settings.input_files
    watched = [*names, COSTS]
    states = {} if folder is None else _states(folder, watched)
    found = {} if folder is None else watched_inputs.digests(folder, states)
    inputs = {name: sha for name, sha in found.items() if name != COSTS}
    try:
        yield outcome
    except TuroError:
        if folder is not None:
            _kept(lambda: input_notes.refused(folder, inputs), folder)
        raise
    if folder is not None:
        # Files that could be read, but not looked at, are as good as new.
        outcome["news"] = not found or watched_inputs.is_unprepared(folder, found, names)
        outcome["costs"] = watched_inputs.wants_report(folder, found, names)
        if outcome["news"]:
            _kept(lambda: input_notes.passed(folder, {name: states[name] for name in inputs}), folder)
        else:
            _kept(lambda: input_notes.settled(folder, inputs), folder)


def _states(folder: Path, names: Sequence[str]) -> dict[str, watched_inputs.State]:
    """None where the file system does not tell them: the step itself says what it cannot read."""
    try:
        return watched_inputs.states(folder, names)
    except OSError as error:
        logger.warning("The input files in %s cannot be looked at: %s", folder, error)
        return {}


def _kept(write: Callable[[], None], folder: Path) -> None:
    """A note that cannot be written stops no step."""
    try:
        write()
    except OSError as error:
        logger.warning("What became of the input files cannot be kept in %s: %s", folder, error)


def _local(settings: Settings) -> Path | None:
    """The data folder, where it is a path and there: a mistyped one must not be made."""
    folder = Path(settings.data_dir)
    return folder if "://" not in settings.data_dir and folder.is_dir() else None
