"""What went wrong in the tasks of some work on Ray, as errors of this project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from turo.errors import ServiceError, TuroError


@contextmanager
def named(work: str) -> Iterator[None]:
    """Name the work whose tasks are waited for in this block.

    What a task raised of `turo.errors` is raised here as it was there; any other error of a task stays Ray's.

    Args:
        work: as it stands in "a task of ...".

    Raises:
        ServiceError: a task was lost with its worker, its node or its arguments.
    """
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, TuroError):
            raise error.cause from error
        raise
    except RayError as error:
        raise ServiceError(
            f"A Ray task of {work} was lost: {error}.", "See the log of Ray; then run again."
        ) from error
