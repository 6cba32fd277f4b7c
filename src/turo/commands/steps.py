"""How a step that a person or a DAG started ended, kept beside the data for whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from turo import last_runs
from turo.prepare import watched_inputs

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from turo.settings import Settings


def noted(settings: Settings, step: str) -> AbstractContextManager[None]:
    """Note how the step ends, where the data folder is one of this machine."""
    return nullcontext() if (folder := _local(settings)) is None else last_runs.noted(folder, step)


@contextmanager
def remembered(settings: Settings, passed_over: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Remember the input files as they were before the step, so that the DAG new_files sees no news in them.

    Args:
        passed_over: errors after which they are remembered as well.
    """
    folder = _local(settings)
    names = (settings.reservations_file, settings.vehicles_file, settings.blocks_file)
    # Hashed first: of a file that is replaced meanwhile the older digest is kept, so that it stays news.
    found = {} if folder is None else watched_inputs.digests(folder, watched_inputs.states(folder, names))
    try:
        yield
    except passed_over:
        if folder is not None:
            watched_inputs.remember(folder, found)
        raise
    if folder is not None:
        watched_inputs.remember(folder, found)


def _local(settings: Settings) -> Path | None:
    """The data folder, where it is a path and there: a mistyped one must not be made."""
    folder = Path(settings.data_dir)
    return folder if "://" not in settings.data_dir and folder.is_dir() else None
