"""How a step that a person or a DAG started ended, kept beside the data for whoever looks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from turo import last_runs
from turo.errors import TuroError
from turo.prepare import watched_inputs

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from turo.settings import Settings

logger = logging.getLogger(__name__)


def noted(settings: Settings, step: str) -> AbstractContextManager[None]:
    """Note how the step ends, where the data folder is one of this machine."""
    return nullcontext() if (folder := _local(settings)) is None else last_runs.noted(folder, step)


@contextmanager
def remembered(settings: Settings, refused: bool = False) -> Iterator[dict[str, str]]:
    """Remember the input files as they were before the step, so that the DAG new_files sees no news in them.

    Args:
        refused: the step is a check: what it refuses is remembered, and what was prepared before; the rest is
            still to be prepared. Else what the step took.

    Returns:
        name -> sha256 of the files, empty where the folder is none of this machine.
    """
    folder = _local(settings)
    names = (settings.reservations_file, settings.vehicles_file, settings.blocks_file)
    # Hashed first: of a file that is replaced meanwhile the older digest is kept, so that it stays news.
    found = {} if folder is None else watched_inputs.digests(folder, watched_inputs.states(folder, names))
    try:
        yield found
    except TuroError:
        if refused:
            _remember(folder, found)
        raise
    if not refused or (folder is not None and watched_inputs.is_prepared(folder, found)):
        _remember(folder, found)


def _remember(folder: Path | None, found: dict[str, str]) -> None:
    """A note that cannot be written stops no step."""
    if folder is None:
        return
    try:
        watched_inputs.remember(folder, found)
    except OSError as error:
        logger.warning("%s cannot be written: %s", folder / watched_inputs.CHECKED, error)


def _local(settings: Settings) -> Path | None:
    """The data folder, where it is a path and there: a mistyped one must not be made."""
    folder = Path(settings.data_dir)
    return folder if "://" not in settings.data_dir and folder.is_dir() else None
