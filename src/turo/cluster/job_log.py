"""The log of a Ray job as lines: it is read from its first byte each time, each line is handed over once."""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from turo.errors import LASTING
from turo.patience import Patience

if TYPE_CHECKING:
    from turo.cluster.dashboard import RayHttp

logger = logging.getLogger(__name__)

RESULT_MARK = "TURO_RESULT "
LASTING_LINE = re.compile(rf"\S+ \S+ ERROR turo: (?:{'|'.join(LASTING)}): ")  # how cli.py ends
READ_TRIES = 5
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
        self._announced: bytes | None = None  # what Ray writes itself; empty once it was met

    def announced(self, job_id: str, entrypoint: str) -> None:
        """Expect the lines with which Ray tells what it runs.

        Ray 2.60 writes them when it has started the job already: on a busy machine they are found behind its
        first lines, or in the middle of one.
        """
        if self._announced is None:
            self._announced = f"Running entrypoint for job {job_id}: {entrypoint}\n".encode()

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Read the log from its beginning and take what lies behind the bytes already seen."""
        position = 0
        for chunk in chunks:
            new = chunk[max(0, self._seen - position) :]
            position += len(chunk)
            if new:
                self._seen += len(new)
                self._take(self._rest + new)

    def close(self) -> None:
        """Hand over the last line, though no newline ends it."""
        rest, self._rest, self._announced = self._rest, b"", b""
        if rest:
            self._take(rest + b"\n")

    def _take(self, text: bytes) -> None:
        announced, held = self._announced or b"", 0
        if announced and announced in text:
            before, after = text.split(announced, 1)
            whole, broken = _lines(before)
            for line in [*whole, *_lines(announced)[0]]:
                self._emit(line)
            text, self._announced = broken + after, b""
        elif announced:  # its end may come with the next bytes
            held = next(size for size in range(len(announced), -1, -1) if text.endswith(announced[:size]))
        whole, self._rest = _lines(text[: len(text) - held])
        self._rest += text[len(text) - held :]
        for line in whole:
            self._emit(line)

    def _emit(self, raw: bytes) -> None:
        # A progress bar rewrites its line with carriage returns: only the last state is worth a line.
        line = raw.decode("utf-8", "replace").rstrip("\r").rsplit("\r", 1)[-1]
        self.tail.append(line)
        if line.startswith(RESULT_MARK):
            self.result = _parse(line.removeprefix(RESULT_MARK))
        self.lasting = self.lasting or bool(LASTING_LINE.match(line))
        self._log(line)


def fetch(http: RayHttp, job_id: str, details: Mapping[str, Any], lines: LogLines) -> bool:
    """Read a job's log to its end, as far as it has come; whether that was possible.

    Args:
        details: what Ray knows of the job; without a node on which its driver runs there is no log yet.
    """
    import httpx

    node = details.get("driver_node_id")
    lines.announced(job_id, str(details.get("entrypoint")))

    # As bytes from the log interface: the job interface answers 500 for a log that is not UTF-8.
    where = {"node_id": node, "filename": f"job-driver-{job_id}.log", "lines": "-1"}

    def read() -> bool:
        answer = http.call("GET", "/api/v0/logs/file", params=where, stream=True, retry_500=False)
        try:
            if answer.is_success:  # 500 until the file exists
                lines.feed(answer.iter_bytes())
        except httpx.TransportError as error:
            logger.warning("The log of Ray job %s broke off (%s); reading on", job_id, error)
            raise
        finally:
            answer.close()
        return answer.is_success

    try:
        return bool(node) and Patience(pause_s=0, tries=READ_TRIES).retry(read, errors=httpx.TransportError)
    except httpx.TransportError:
        return False


def _lines(text: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines, and what is left."""
    *whole, rest = text.split(b"\n")
    return whole, rest


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
