"""What the demo shows while it works: one line a step; its log goes to a file."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from turo.errors import TuroError


def progress_bar(console: Console) -> Progress:
    """A spinner, a title and the time of each step."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    return Progress(*columns, console=console)


@contextmanager
def step(progress: Progress, title: str) -> Iterator[None]:
    """One line of progress; also printed once where the output is not a terminal."""
    if not progress.console.is_terminal:
        progress.console.print(f"{title} …")
    task: Any = progress.add_task(title, total=None)
    began = time.monotonic()
    try:
        yield
    except TuroError:
        progress.update(task, description=f"[red]{title}")
        raise
    progress.update(task, total=1, completed=1, description=f"[green]{title}")
    if not progress.console.is_terminal:
        progress.console.print(f"  done in {time.monotonic() - began:.1f} s")


@contextmanager
def logs_to(path: Path) -> Iterator[None]:
    """Send the log to a file, so that the screen shows progress."""
    root = logging.getLogger()
    before, handler = root.handlers[:], logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers = [handler]
    try:
        yield
    finally:
        root.handlers = before
        handler.close()
