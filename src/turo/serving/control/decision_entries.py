"""What the reconciler writes to the decision log: each refusal and each serving version once.

It may be restarted and find the same again: what the log says already is not written a second time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from turo.registry.decision_log import REFUSED, SERVING, append_entry, read_entries
from turo.serving.control.desired import suspected

Recorder = Callable[[str, str, str], None]  # name, version, reason

logger = logging.getLogger(__name__)


@dataclass
class UnrecordedDecisions:
    """Decisions that are not in the log yet: they wait while MLflow is away."""

    waiting: list[tuple[Recorder, tuple[str, str, str]]] = field(default_factory=list)

    def add(self, record: Recorder, name: str, version: str, reason: str) -> None:
        """Keep a decision to be written."""
        self.waiting.append((record, (name, version, reason)))

    def write(self) -> Iterator[str]:
        """Write as many as can be written; gives the models' names."""
        while self.waiting:
            record, line = self.waiting[0]
            try:
                record(*line)
            except Exception as error:  # MLflow raises many kinds; all mean: later
                logger.warning("%s %s is not in the decision log yet, later again: %r", *line[:2], error)
                return
            del self.waiting[0]
            yield line[0]


def record_refusal(name: str, version: str, reason: str) -> None:
    """Write a refusal, unless it is the last word on this version already."""
    if version not in suspected(read_entries(name)):
        append_entry(REFUSED, name, version, reason)


def record_serving(name: str, version: str, reason: str) -> None:
    """Write that a version serves now, unless it is the last one that did and has not been refused since."""
    entries = read_entries(name)
    last = next((entry["version"] for entry in entries if entry["event"] == SERVING), None)
    if last != version or version in suspected(entries):
        append_entry(SERVING, name, version, reason)
