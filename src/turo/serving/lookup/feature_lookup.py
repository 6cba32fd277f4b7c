"""Feature lookup: the row of a vehicle at an origin, from the prepared table as it is at that moment."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo.errors import InputError
from turo.files import folder
from turo.patience import Patience
from turo.serving.http.problems import Problem, overloaded
from turo.serving.lookup import whole_table
from turo.serving.lookup.file_state import FileState, state
from turo.serving.lookup.prepared_row import Row, find_row
from turo.serving.lookup.whole_table import Rows
from turo.table import open_verified
from turo.table.names import MANIFEST, PARQUET
from turo.table.open_verified import LOCAL, AbsentError, MixedError

if TYPE_CHECKING:
    from pyarrow import fs

REMOTE_S = 5.0  # how long a manifest behind a URL is taken for the newest
ATTEMPTS, PAUSE_S, RETRY_S = 5, 0.05, 2  # while a table is being replaced: a matter of milliseconds
UNREADABLE = (OSError, KeyError, ValueError, TypeError, InputError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Described:
    """A manifest, the state of its file, and when that was looked at."""

    seen: FileState
    looked: float
    content: dict[str, Any]


@dataclass
class FeatureTable:
    """The table in a folder or behind a URL. A new one is used as soon as its manifest is there.

    While one is being put in place, the one held goes on answering, with its own manifest.

    Args:
        data_dir: where it lies.
        limit: bytes of memory above which the rows stay there.
        pause: waits some seconds.
    """

    data_dir: str
    limit: int = whole_table.MEMORY_BYTES
    pause: Callable[[float], None] = time.sleep
    _where: tuple[fs.FileSystem, str] | None = None
    _described: Described | None = None
    _held: tuple[FileState, Rows] | None = None  # rows verified against the manifest of this state
    _mixed: tuple[FileState, FileState] | None = None  # manifest and table that were found not to fit
    _loading: threading.Lock = field(default_factory=threading.Lock)

    def find(self, vehicle_id: str, origin: date | None) -> Row:
        """The row of a vehicle at an origin, by default at the table's newest.

        Raises:
            Problem: 404 for an unknown vehicle or origin, naming what there is; 503 without a table, and
                while it is being replaced.
        """

        def look(fresh: bool) -> Row | None:
            try:
                described, rows = self._whole(fresh)
                return find_row(described.content, rows, vehicle_id, origin)
            except MixedError:
                self._held = None
                return None

        try:
            # At hand nearly always: a request does not pay for patience that it does not need.
            if row := look(fresh=False):
                return row
            if row := Patience(PAUSE_S, tries=ATTEMPTS, sleep=self.pause).poll(lambda: look(fresh=True)):
                return row
            self._mixed = self._states()
        except UNREADABLE as error:
            raise Problem(503, f"The prepared table cannot be read now ({type(error).__name__}).") from error
        raise _being_replaced()

    def manifest(self) -> dict[str, Any]:
        """The manifest as it is now; empty where there is none.

        Raises:
            OSError, ValueError, InputError: it cannot be read now.
        """
        try:
            return self._describe(*self._place()).content
        except (FileNotFoundError, AbsentError):
            return {}

    def at_hand(self, dated: bool) -> bool:
        """Whether `find` reads no file now, and so does not hold its caller up.

        Args:
            dated: whether an origin is asked for; of a large table only the newest rows are in memory.
        """
        held = self._held
        if held is None or not (held[1].at_hand or (held[1].newest and not dated)):
            return False
        filesystem, base = self._place()
        if filesystem.type_name != LOCAL:
            known = self._described
            return known is not None and known.seen == held[0] and time.monotonic() - known.looked < REMOTE_S
        try:
            return held[0] == state(filesystem, f"{base}/{MANIFEST}")
        except OSError:
            return False

    def refresh(self) -> None:
        """Exchange rows that are held for those of a new table before a request has to wait for them."""
        if self._held is None:
            return
        try:
            self._whole(fresh=False)
        except (*UNREADABLE, MixedError, Problem) as reason:  # the next request tells its caller
            logger.debug("the new table is not there yet: %r", reason)

    def _place(self) -> tuple[fs.FileSystem, str]:
        if self._where is None:
            filesystem, base = folder(self.data_dir)
            if "://" not in self.data_dir:  # a link to a folder may be set to another one
                base = str(Path(self.data_dir).expanduser().absolute())
            self._where = filesystem, base
        return self._where

    def _describe(self, filesystem: fs.FileSystem, base: str, fresh: bool = False) -> Described:
        """The manifest, read again only when it has changed; behind a URL looked at every `REMOTE_S` only."""
        known, now = self._described, time.monotonic()
        local = filesystem.type_name == LOCAL
        if known and not fresh and not local and now - known.looked < REMOTE_S:
            return known
        path = f"{base}/{MANIFEST}"
        seen = state(filesystem, path)
        content = known.content if known and known.seen == seen else open_verified.described(filesystem, base)
        self._described = Described(seen, now, content)
        return self._described

    def _whole(self, fresh: bool) -> tuple[Described, Rows]:
        """Manifest and rows of one run.

        Raises:
            MixedError: they are not now.
            Problem: they were not before, and nothing has changed.
        """
        filesystem, base = self._place()
        described = self._describe(filesystem, base, fresh)
        held = self._held
        if held and held[0] == described.seen:
            return described, held[1]
        with self._loading:
            held = self._held
            if held and held[0] == described.seen:  # loaded while this waited
                return described, held[1]
            if self._mixed is not None and self._mixed == self._states():
                raise _being_replaced()
            rows = whole_table.read(filesystem, base, described.content, self.limit)
            self._held, self._mixed = (described.seen, rows), None
        return described, rows

    def _states(self) -> tuple[FileState, FileState]:
        filesystem, base = self._place()
        return state(filesystem, f"{base}/{MANIFEST}"), state(filesystem, f"{base}/{PARQUET}")


@functools.cache
def table_in(data_dir: str) -> FeatureTable:
    """The table of a process: held once, whatever the versions that are served from it."""
    return FeatureTable(data_dir)


def _being_replaced() -> Problem:
    return overloaded(
        f"The prepared table is being replaced: {PARQUET} is not the file that {MANIFEST} describes. Try "
        "again shortly; if it stays so, a preparation broke off: run `turo prepare` again.",
        RETRY_S,
    )
