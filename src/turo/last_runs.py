"""How each step of the pipeline ended last, one small file a step in the data folder, for whoever looks."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from turo.files import atomic_path

logger = logging.getLogger(__name__)

FOLDER = "last-runs"


@dataclass(frozen=True)
class LastRun:
    """One step's last run.

    Attributes:
        step: prepare, train XGBoost, forecast, check …
        began, ended: UTC, ISO; `ended` is empty while it runs, and for ever where it was killed.
        problem: why it failed, in a sentence that names the remedy; empty where it did not.
    """

    step: str
    began: str
    ended: str = ""
    problem: str = ""


@contextmanager
def noted(folder: Path, step: str) -> Iterator[None]:
    """Note that the step runs, then how it ended. What the step raises goes on."""
    began = _now()
    _write(folder, LastRun(step, began))
    try:
        yield
    except BaseException as error:
        _write(folder, LastRun(step, began, _now(), str(error) or type(error).__name__))
        raise
    _write(folder, LastRun(step, began, _now()))


def read(folder: Path) -> list[LastRun]:
    """What is known of every step, newest first; a file that is no such note is left out."""
    found = list[LastRun]()
    for path in (folder / FOLDER).glob("*.json"):
        try:
            run = LastRun(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            continue
        if all(isinstance(told, str) for told in asdict(run).values()):
            found.append(run)
    return sorted(found, key=lambda run: run.began, reverse=True)


def forget(folder: Path, step: str) -> None:
    """How the step ended last is of no matter any more."""
    _path(folder, step).unlink(missing_ok=True)


def forget_all(folder: Path) -> None:
    """No step's last run is of any matter here any more, nor what was noted beside them."""
    for path in (folder / FOLDER).glob("*"):
        path.unlink(missing_ok=True)


def _path(folder: Path, step: str) -> Path:
    return folder / FOLDER / f"{''.join(letter if letter.isalnum() else '-' for letter in step)}.json"


def _write(folder: Path, run: LastRun) -> None:
    try:
        with atomic_path(_path(folder, run.step)) as temporary:
            temporary.write_text(json.dumps(asdict(run)), encoding="utf-8")
    except OSError as error:  # a folder that may only be read, a full disk: the step itself goes on
        logger.warning("How %s ended cannot be kept: %s", run.step, error)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
