"""A growing log, handed over from its first byte each time, cut into lines that each leave once."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from turo.errors import LASTING

RESULT_MARK = "TURO_RESULT "
LASTING_LINE = re.compile(rf"\S+ \S+ ERROR turo: (?:{'|'.join(LASTING)}): ")  # how cli.py ends
TAIL_LINES = 25  # kept for the error of a failed job

Log = Callable[[str], object]


class LogLines:
    """Turns repeated reads of the same log into a stream of lines.

    Args:
        log: called with every line, once and in order.

    Attributes:
        tail: the last lines.
        result: what the last `TURO_RESULT` line said, else None.
        lasting: whether the `turo` command ended with an error that another try cannot change.
    """

    def __init__(self, log: Log) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.result: Any = None
        self.lasting = False
        self._log = log
        self._seen = 0  # bytes taken so far
        self._rest = b""  # the unfinished last line

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Read the log from its beginning and take what lies behind the bytes already seen."""
        position = 0
        for chunk in chunks:
            new = chunk[max(0, self._seen - position) :]
            position += len(chunk)
            if new:
                self._seen += len(new)
                *whole, self._rest = (self._rest + new).split(b"\n")
                for line in whole:
                    self._emit(line)

    def close(self) -> None:
        """Let go of a last line that has no end."""
        rest, self._rest = self._rest, b""
        if rest:
            self._emit(rest)

    def _emit(self, raw: bytes) -> None:
        # A progress bar rewrites its line with carriage returns: only the last state is worth a line.
        line = raw.decode("utf-8", "replace").rstrip("\r").rsplit("\r", 1)[-1]
        self.tail.append(line)
        if line.startswith(RESULT_MARK):
            self.result = _parse(line.removeprefix(RESULT_MARK))
        self.lasting = self.lasting or bool(LASTING_LINE.match(line))
        self._log(line)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
