"""Progress of the first start of the mlflow container: which models are being trained, which could not be.

Written by `turo.mlflow_container.first_start`, which trains them, and read by the health check.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from turo.files import atomic_path
from turo.patience import Patience
from turo.settings import Settings

FILE = "turo-first-start.json"  # beside the reconciler's status
FIRST_START_S = 900.0  # after that the health check no longer waits for trainings
PATIENCE_S = 150.0  # a killed Ray head is back with its models within
PERIOD_S = 2.0


@dataclass
class Progress:
    """Writes the progress to a file at every change; safe to use from several threads.

    Attributes:
        under_way: models that are or will be trained.
        failed: why, by model; nothing more is done about them before a restart.
    """

    settings: Settings
    under_way: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, names: Iterable[str]) -> None:
        """These are going to be trained."""
        with self._lock:
            self.under_way |= set(names)
            self._write()

    def end(self, name: str, reason: str = "") -> None:
        """This one is done, or is not, for a reason."""
        with self._lock:
            self.under_way.discard(name)
            if reason:
                self.failed[name] = reason
            self._write()

    def _write(self) -> None:
        told = {"under_way": sorted(self.under_way), "failed": self.failed}
        with atomic_path(self.settings.status_file.with_name(FILE)) as temporary:
            temporary.write_text(json.dumps(told))


def read(settings: Settings) -> tuple[set[str], dict[str, str]] | None:
    """Models under way and those that failed; None before the start has come so far."""
    try:
        told = json.loads(settings.status_file.with_name(FILE).read_text())
    except (OSError, ValueError):
        return None
    return set(told["under_way"]), dict(told["failed"])


def lasting_problems(look: Callable[[], list[str]], settings: Settings) -> list[str]:
    """What is still wrong after waiting for what may pass by itself.

    Looks again while models are being trained, and for a while at what else is wrong. Where nothing else is
    wrong than models that could not be trained, there is nothing to wait for.

    Args:
        look: gives a line for each thing that is wrong, which begins with its name and a colon.
    """
    began = quiet_since = time.monotonic()

    def known() -> list[str] | None:
        nonlocal quiet_since
        if not (found := look()):
            return []
        under_way, failed = read(settings) or ({"everything"}, {})
        now = time.monotonic()
        if under_way and now - began < FIRST_START_S:
            quiet_since = now
        hopeless = not under_way and all(_name(line) in failed for line in found)
        if hopeless or now - quiet_since > PATIENCE_S:
            return [f"{line}{_why(line, failed)}" for line in found]
        return None

    # How long is up to `known`: patience with a model begins once nothing is being trained any more.
    return Patience(PERIOD_S, sleep=time.sleep).poll(known, done=lambda told: told is not None) or []


def _name(line: str) -> str:
    return line.split(":", 1)[0]


def _why(line: str, failed: dict[str, str]) -> str:
    return f" It could not be trained: {failed[_name(line)]}" if _name(line) in failed else ""
