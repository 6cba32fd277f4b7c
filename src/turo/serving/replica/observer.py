"""What is recorded of the answers of a replica: counts, prediction log, copies for the challenger.

No answer waits for it: the request path only appends to a queue that is bounded in requests and bytes, and a
thread empties that once a second. What does not fit is missing from the log; the caller has the answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from turo.serving.api.model_info import About
from turo.serving.forms.rows import Columns
from turo.serving.replica.pending_answers import Layout, Pending
from turo.serving.replica.prediction_log import FOLDER, PredictionLog, Seen

PERIOD_S = 1.0
ROWS = 20  # rows kept of one request, evenly spread over it
SHADOW_ROWS = 200  # rows a round that go to the challenger
LOG_EVERY = 10  # rounds between two writes of the log: each replaces a whole segment

logger = logging.getLogger(__name__)

# Model, version, columns, predictions, and of what functional these are.
Shadow = Callable[[str, str, Columns, np.ndarray, str], None]


class Metrics(Protocol):
    """Where counts go; `turo.serving.replica.metrics.Gauges` hands them to Ray."""

    def requests(self, outcomes: Mapping[str, int]) -> None: ...

    def predictions(self, values: np.ndarray) -> None: ...

    def renew(self) -> None: ...


class Observer:
    """Counts, logs and copies the answers of one replica.

    Args:
        metrics: counters and histogram.
        log_rows: rows of the prediction log, 0 for none; `data_dir` is where it goes.
    """

    def __init__(self, name: str, metrics: Metrics, data_dir: str, log_rows: int) -> None:
        self.metrics = metrics
        self.outcomes: Counter[int] = Counter()
        self.shadow: Shadow | None = None  # set while there is a challenger
        remote = "://" in data_dir
        self.log = PredictionLog(Path(data_dir) / FOLDER / name, 0 if remote else log_rows)
        self._queue = Pending()
        self._layout: tuple[About, Layout] | None = None  # of the version that answers now
        self._rounds = 0
        self._complained = False

    def see(self, about: About, request_id: str, columns: Columns, predictions: np.ndarray) -> None:
        """Remember an answer; called in the request path, so it copies at most `ROWS` rows."""
        count = len(predictions)
        rows = np.arange(count)
        if count > ROWS:
            rows = np.linspace(0, count - 1, ROWS).astype(np.intp)
            columns = {name: values[rows] for name, values in columns.items()}
            predictions = predictions[rows]
        if self._layout is None or self._layout[0] is not about:
            self._layout = about, Layout(columns)
        columns, size = self._layout[1].compact(columns, len(rows))
        self._queue.put(Seen(time.time(), request_id, about, rows, columns, predictions), size)

    def count(self, status: int) -> None:
        """Count an answer of any kind."""
        self.outcomes[status] += 1

    def start(self) -> None:
        """Begin the rounds, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="observer", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(PERIOD_S)
            self.careful_round()

    def careful_round(self) -> None:
        """One round; a full disk or an exporter that does not answer is logged once, and serving goes on."""
        try:
            self.round()
        except Exception:
            if not self._complained:
                logger.exception("predictions are not observed for now")
            self._complained = True

    def round(self) -> None:
        """Empty the queue, and tell what is true still."""
        counted, self.outcomes = self.outcomes, Counter()
        self.metrics.requests(by_outcome(counted))
        self.metrics.renew()
        seen = self._queue.take()
        if seen:
            self.metrics.predictions(np.concatenate([one.predictions for one in seen]))
            self._show(seen)
        self.log.keep(seen)
        self._rounds += 1
        if self._rounds % LOG_EVERY == 0:
            self.log.write()
            self._complained = False

    def _show(self, seen: list[Seen]) -> None:
        """Hand the newest rows of the newest version to the challenger."""
        if self.shadow is None:
            return
        about, rows = seen[-1].about, 0
        chosen = []
        for one in reversed(seen):
            rows += len(one.predictions)
            if rows > SHADOW_ROWS or one.about is not about:
                break
            chosen.append(one)
        if chosen:
            columns = {n: np.concatenate([one.columns[n] for one in chosen]) for n in chosen[0].columns}
            predictions = np.concatenate([one.predictions for one in chosen])
            self.shadow(about.name, about.version, columns, predictions, about.functional)


def by_outcome(statuses: Mapping[int, int]) -> dict[str, int]:
    """Counts by what they mean: ok, invalid (the caller's), overloaded, error (ours)."""
    outcomes: Counter[str] = Counter()
    for status, count in statuses.items():
        kind = "ok" if status < 400 else "invalid" if status < 500 else "error"
        outcomes["overloaded" if status == 503 else kind] += count
    return dict(outcomes)
