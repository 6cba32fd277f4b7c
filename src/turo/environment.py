"""Variables lent to a child process, or to a library that reads them again; no setting is read here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lent(
    variables: Mapping[str, str],
    unless_set: Mapping[str, str] | None = None,
    first_on_path: Path | None = None,
) -> Iterator[None]:
    """Set variables while the block runs, then put back what was there. The whole process sees them.

    Args:
        unless_set: only where the variable is not there yet.
        first_on_path: folder in which programs are looked for first.
    """
    wanted = {**(unless_set or {}), **variables}
    wanted = {name: value for name, value in wanted.items() if name in variables or name not in os.environ}
    if first_on_path is not None:
        wanted["PATH"] = f"{first_on_path}{os.pathsep}{os.environ.get('PATH', '')}"
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
