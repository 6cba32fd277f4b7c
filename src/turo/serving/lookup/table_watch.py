"""Notices a new prepared table while a process serves, so that no request has to look."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from turo.serving.lookup.feature_lookup import UNREADABLE, FeatureTable

PERIOD_S = 2.0

logger = logging.getLogger(__name__)


class TableWatch:
    """Tells what the table's manifest says, every `PERIOD_S`.

    Args:
        table: where the manifest lies.
        tell: told the manifest, empty where there is none; must not mind being told the same again.
    """

    def __init__(self, table: FeatureTable, tell: Callable[[dict[str, Any]], None]) -> None:
        self.table = table
        self.tell = tell
        self.manifest: dict[str, Any] = {}
        self._complained = False

    def start(self) -> None:
        """Begin, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="table", daemon=True).start()

    def look(self) -> dict[str, Any]:
        """The manifest now; where it cannot be read, which is told once, the last one."""
        try:
            self.manifest = self.table.manifest()
            self._complained = False
        except UNREADABLE:
            if not self._complained:
                logger.warning("the manifest of %s cannot be read", self.table.data_dir, exc_info=True)
            self._complained = True
        return self.manifest

    def round(self) -> None:
        """Look and tell."""
        self.tell(self.look())
        self.table.refresh()

    def _run(self) -> None:
        while True:
            time.sleep(PERIOD_S)
            self.round()
