"""The queue between the request path and the observer: bounded in requests and bytes, drops the oldest first.

Cheap enough for the request path: sizes are estimated, and an array is copied only where it is a view that
would keep a whole request body in memory.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np

from turo.serving.forms.rows import Columns
from turo.serving.replica.prediction_log import Seen

REQUESTS = 4000  # between two rounds; more are counted but not logged
BYTES = 32 << 20
ARRAY_BYTES = 150  # an array's header and its place in the request's columns
TEXT_BYTES = 60  # a string's own header
LONGEST_TEXT = 200  # characters; no category of a model is longer
OWN_MEMORY = 64 << 10  # bytes a column may keep alive beside its own: a request's body, for one


class Pending:
    """A queue between the request path and one thread that empties it.

    Args:
        requests: the most it holds.
        size: the most bytes it holds, by the estimates it is given.
    """

    def __init__(self, requests: int = REQUESTS, size: int = BYTES) -> None:
        self._requests, self._size = requests, size
        self._items: deque[tuple[Seen, int]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, seen: Seen, size: int) -> None:
        """Append; the oldest give way."""
        with self._lock:
            self._items.append((seen, size))
            self._bytes += size
            while len(self._items) > self._requests or self._bytes > self._size:
                self._bytes -= self._items.popleft()[1]

    def take(self) -> list[Seen]:
        """All of it, oldest first."""
        with self._lock:
            items, self._items, self._bytes = self._items, deque(), 0
        return [seen for seen, _ in items]


class Layout:
    """Which columns of a version's requests are text: the same for all of them, so looked at once."""

    def __init__(self, columns: Columns) -> None:
        self._texts = [name for name, values in columns.items() if values.dtype.kind == "O"]
        numbers = [name for name in columns if name not in self._texts]
        self._number = numbers[0] if numbers else None

    def compact(self, columns: Columns, rows: int) -> tuple[Columns, int]:
        """Columns that keep nothing else alive and hold no long text, with their size in bytes, about.

        Args:
            rows: of every column.
        """
        size, own = len(columns) * (ARRAY_BYTES + 8 * rows), columns
        for name in self._texts:
            lengths = [len(value) for value in columns[name].tolist() if value is not None]
            size += sum(lengths) + TEXT_BYTES * len(lengths)
            if lengths and max(lengths) > LONGEST_TEXT:
                size -= sum(max(0, length - LONGEST_TEXT) for length in lengths)
                own = {**own, name: _cut(columns[name])}
        if self._number is not None and _held(columns[self._number]) > OWN_MEMORY:
            own = {name: values.copy() for name, values in own.items()}
        return own, size


def _cut(values: np.ndarray) -> np.ndarray:
    return np.array([value if value is None else value[:LONGEST_TEXT] for value in values], dtype=object)


def _held(values: np.ndarray) -> int:
    """Bytes of what an array is a view of; it lives as long as the array does."""
    base: Any = values.base
    if base is None:
        return 0
    return int(base.nbytes) if hasattr(base, "nbytes") else len(base)
