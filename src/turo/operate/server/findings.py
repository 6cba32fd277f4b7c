"""What the doctor found, asked now and then and kept, so that pages and Prometheus are answered at once."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

PERIOD_S = 120.0
SOON_S = 30.0  # after an error has come: what was mended leaves the list soon
SOON_ROUNDS = 20  # then it is there to stay for a while, and looking costs as much as all else here
LONGEST_S = 60  # of one examination
# -P: it runs in the folder of the user's checkout, and nothing there is a module of ours.
COMMAND = [sys.executable, "-P", "-c", "from turo.cli import main; main()", "doctor", "--json"]


class Findings:
    """The newest findings.

    Args:
        ask: examines, and returns what the doctor prints as JSON.
        now: UTC.
    """

    def __init__(
        self, ask: Callable[[], Any], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._ask = ask
        self._now = now
        self._told: dict[str, Any] = {"at": None, "findings": None, "problem": "Not examined yet."}

    def newest(self) -> dict[str, Any]:
        """`at` (UTC, ISO), `findings` (a list, or None) and `problem` (why there are none)."""
        return self._told

    def refresh(self) -> None:
        """Ask the doctor. Where he cannot be asked the findings of before are withdrawn, and why is said."""
        at = self._now().isoformat(timespec="seconds")
        try:
            found = self._ask()
            listed = found if isinstance(found, list) else found["findings"]
            self._told = {"at": at, "findings": [dict(each) for each in listed], "problem": ""}
        except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
            logger.warning("The doctor cannot be asked: %s", error)
            self._told = {
                "at": at,
                "findings": None,
                "problem": f"`turo doctor --json` told nothing: {error}",
            }

    def keep_fresh(self, period_s: float = PERIOD_S, soon_s: float = SOON_S) -> None:
        """Refresh for ever, in a thread of its own."""

        def again() -> None:
            before, rounds = self._errors(), 0
            while True:
                self.refresh()
                now = self._errors()
                before, rounds = now, (rounds + 1 if now == before else 0)
                time.sleep(soon_s if now and rounds < SOON_ROUNDS else period_s)

        threading.Thread(target=again, name="doctor", daemon=True).start()

    def _errors(self) -> list[tuple[object, object]]:
        found = self._told["findings"] or ()
        return [(one.get("check"), one.get("what")) for one in found if one.get("severity") == "error"]


def ask_doctor(project: Path) -> Any:
    """What `turo doctor --json` prints in the project's folder, asked in a process of its own.

    Raises:
        ValueError: it prints no JSON.
        subprocess.TimeoutExpired: it does not end.
    """
    done = subprocess.run(  # noqa: S603 - ours
        COMMAND, cwd=project, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    if not done.stdout.strip():
        words = [line for line in done.stderr.splitlines() if any(map(str.isalpha, line))]
        raise ValueError((words or [f"exit {done.returncode}"])[-1].strip("│ "))
    return json.loads(done.stdout)
