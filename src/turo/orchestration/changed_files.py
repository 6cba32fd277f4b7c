"""A trigger that notices other input files in the data folder, for a DAG that is scheduled by them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from turo.prepare import watched_inputs
from turo.table.names import COSTS

ABSENT_LOOKS = 6  # how long a file that the table was made of may be away before the others go on without it

logger = logging.getLogger(__name__)


class ChangedFiles(BaseEventTrigger):
    """Fire once for every new content of the input files, and again where it turns out not to be the table's.

    Two looks `pause_s` apart must find all of them of the same size and time of change: a copy under way, or
    a second file behind the first, is waited for; so is, three minutes long, one that the last table was made
    of and that is away: it may be about to be replaced. Only then they are hashed, and compared with what the
    last table was made of and what a check refused; a mere touch, or the same file again, is no news. They
    are compared at every look: table, report and refusal come later than the files, and those of before may
    be back while others are still being prepared.
    `costs.csv` is watched as well, against what the last report was made with.

    Args:
        folder: the data folder where the triggerer has it.
        names: what is watched: RESERVATIONS_FILE, VEHICLES_FILE, BLOCKS_FILE; names and globs below it.
        pause_s: seconds between two looks.
    """

    def __init__(self, folder: str, names: Sequence[str], pause_s: float = 30.0) -> None:
        super().__init__()
        self.folder = folder
        self.names = list(names)
        self.pause_s = pause_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How another process makes the same trigger."""
        kwargs = {"folder": self.folder, "names": self.names, "pause_s": self.pause_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event for every new content."""
        async for files in self._run():
            yield TriggerEvent({"files": files})

    async def _run(self) -> AsyncIterator[dict[str, str]]:
        """Look for ever; a folder that cannot be read now is told in the log and looked at again."""
        folder = Path(self.folder)
        seen: dict[str, watched_inputs.State] = {}
        hashed: dict[str, watched_inputs.State] = {}
        found: dict[str, str] = {}
        told = {COSTS: _Told(), "others": _Told()}
        gone, absent = list[str](), 0
        while True:
            try:
                now = await asyncio.to_thread(watched_inputs.states, folder, [*self.names, COSTS])
                missed, gone = gone, await asyncio.to_thread(watched_inputs.gone, folder, now)
                absent = absent + 1 if gone == missed else 0
                if now == seen and (not gone or absent >= ABSENT_LOOKS):
                    if now != hashed:
                        found = await asyncio.to_thread(watched_inputs.digests, folder, now)
                        hashed = now
                    if await asyncio.to_thread(self._is_news, folder, found, told):
                        yield found
                seen = now
            except OSError as error:
                logger.warning("%s cannot be looked at, again in %s s: %s", folder, self.pause_s, error)
            await asyncio.sleep(self.pause_s)

    def _is_news(self, folder: Path, found: Mapping[str, str], told: Mapping[str, _Told]) -> bool:
        table, report = watched_inputs.grounds(folder)
        costs = found.get(COSTS)
        others = {name: sha for name, sha in found.items() if name != COSTS}
        asked = (folder, found, self.names)
        news = told["others"].is_due(others, table, lambda: watched_inputs.is_news(*asked))
        return told[COSTS].is_due(costs, report, lambda: watched_inputs.wants_report(*asked)) or news


class _Told:
    """Whether a content was told, so that it is told again only once it is compared with something else."""

    def __init__(self) -> None:
        self.content: object = None
        self.grounds: object = self  # of no content yet

    def is_due(self, content: object, grounds: object, wanted: Callable[[], bool]) -> bool:
        """Whether the content is to be told now; then it counts as told on these grounds."""
        if content != self.content:
            self.content, self.grounds = content, self
        if grounds == self.grounds or not wanted():
            return False
        self.grounds = grounds
        return True
