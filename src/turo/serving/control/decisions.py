"""What the reconciler writes to the ledger: each once, however often it is restarted and finds the same."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from turo.registry.decision_log import REFUSED, SERVING, append_entry, read_entries
from turo.serving.control.desired import suspected

Note = Callable[[str, str, str], None]  # name, version, reason

logger = logging.getLogger(__name__)


@dataclass
class Lines:
    """Lines that the ledger has not got yet: while MLflow is away they wait."""

    waiting: list[tuple[Note, tuple[str, str, str]]] = field(default_factory=list)

    def add(self, note: Note, name: str, version: str, reason: str) -> None:
        """Keep a line to be written."""
        self.waiting.append((note, (name, version, reason)))

    def write(self) -> Iterator[str]:
        """Write as many as can be written; gives the models' names."""
        while self.waiting:
            note, line = self.waiting[0]
            try:
                note(*line)
            except Exception as error:  # MLflow raises many kinds; all mean: later
                logger.warning("the ledger could not be told of %s %s, later again: %r", *line[:2], error)
                return
            del self.waiting[0]
            yield line[0]


def note_refusal(name: str, version: str, reason: str) -> None:
    """Write a refusal, unless it is the last word on this version already."""
    if version not in suspected(read_entries(name)):
        append_entry(REFUSED, name, version, reason)


def note_serving(name: str, version: str, reason: str) -> None:
    """Write that a version serves now, unless it is the last one that did and has not been refused since."""
    entries = read_entries(name)
    last = next((entry["version"] for entry in entries if entry["event"] == SERVING), None)
    if last != version or version in suspected(entries):
        append_entry(SERVING, name, version, reason)
