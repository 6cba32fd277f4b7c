"""What the doctor found, asked of the service `operator` and kept for a minute; nothing without one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import httpx

logger = logging.getLogger(__name__)

LIMIT_S = 0.5  # that a page waits
LONGEST_S = 5.0  # after which an answer is not waited for any more, for a later page either
KEPT_S = 60.0
TOLD = ("error", "warning")
ELSEWHERE = (("route-refused", "error"), ("route-refused", "warning"), ("failed-step", "warning"))


@dataclass(frozen=True)
class OperatorFinding:
    """One thing that is wrong: see docs/runbook.md, where `link` leads."""

    check: str
    severity: str
    what: str
    why: str
    remedy: str
    link: str

    @property
    def elsewhere(self) -> bool:
        """Whether the home page knows of it by itself; of backups, whose failure is an error, it does not."""
        return (self.check, self.severity) in ELSEWHERE

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.what} To do: {self.remedy.rstrip('.')} ({self.link})."

    def plain(self) -> dict[str, str]:
        """For programs."""
        return asdict(self)


FIELDS = tuple(OperatorFinding.__dataclass_fields__)
NOT_ASKED = "The doctor could not be asked, so what is wrong is not listed here."


class OperatorFindings:
    """The newest findings.

    Args:
        url: of the operator.
        kept_s: how long they are shown before they are asked for anew.
    """

    def __init__(self, url: str, kept_s: float = KEPT_S) -> None:
        self._url = f"{url.rstrip('/')}/findings"
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._told: Sequence[OperatorFinding] = ()
        self._away: str | None = None  # why it does not answer, "" where it does; None before it was asked

    def now(self) -> Sequence[OperatorFinding]:
        """Errors and warnings, the worst first. Waits for half a second at most: not for an event loop."""
        asking = None
        with self._lock:
            if self._asked is None or time.monotonic() - self._asked > self._kept_s:
                self._asked = time.monotonic()
                asking = threading.Thread(target=self._ask, name="findings", daemon=True)
                asking.start()
        if asking:
            asking.join(LIMIT_S)
        return self._told

    def _ask(self) -> None:
        try:
            answer = httpx.get(self._url, timeout=LONGEST_S, trust_env=False).raise_for_status()
            self._told, away = _read(answer.json()), ""
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            # No operator, or another program: its own health check says so.
            self._told, away = (), (str(error).splitlines() or [type(error).__name__])[0]
        if away != self._away:
            self._note(away)
        self._away = away

    def _note(self, away: str) -> None:
        """Once a change. Where it never answered there may be none, as in a demo: that warns nobody."""
        if away:
            level = logging.WARNING if self._away == "" else logging.INFO
            logger.log(level, "No findings from %s: %s", self._url, away)
        else:
            logger.info("Findings come from %s.", self._url)


def _read(told: object) -> Sequence[OperatorFinding]:
    """Those that are told on the front door; what is none is left out."""
    told = told if isinstance(told, dict) else {}
    found, problem = told.get("findings"), told.get("problem")
    if not isinstance(found, list):  # an empty list is a healthy stack; none is a doctor who told nothing
        if not (told.get("at") and problem and isinstance(problem, str)):  # not examined yet
            return []
        remedy = "docker compose logs operator tells why."
        return [
            OperatorFinding("unanswered", "warning", NOT_ASKED, problem, remedy, "docs/runbook.md#unanswered")
        ]
    return [
        OperatorFinding(**{name: one[name] for name in FIELDS})
        for one in found
        if isinstance(one, dict)
        and all(isinstance(one.get(name), str) for name in FIELDS)
        and one["severity"] in TOLD
    ]
