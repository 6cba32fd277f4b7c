"""A demo as its user runs it: a process of its own, its lines, and everything that it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from turo.demo.guard import END_WITHIN_S, GRACE_S

MARK = "TURO_DEMO_TEST"
START_S = 600
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")  # of the front door
LATEST_S = END_WITHIN_S + GRACE_S + 20  # the machine may be busy


@dataclass
class Demo:
    """A running demo and the lines it had printed when it served."""

    process: subprocess.Popen[str]
    lines: list[str]
    folder: Path

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def family(self) -> list[psutil.Process]:
        """Every living process that inherited the demo's environment."""
        return [process for process, _ in self._described()]

    def parts(self, *words: str) -> list[psutil.Process]:
        """Its own processes whose command lines have these words; an old proxy may still drain."""
        found = [process for process, line in self._described() if all(word in line for word in words)]
        assert found, words
        return found

    def _described(self) -> list[tuple[psutil.Process, str]]:
        """The family with the command line of each; without those that end meanwhile."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                mine = process.environ().get(MARK) == str(self.folder)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append((process, " ".join(process.cmdline())))
        return found

    def end(self, number: signal.Signals) -> int:
        """Tell it to end, and see that in time nothing of it is left; returns its exit code."""
        began, family = time.monotonic(), self.family()
        self.process.send_signal(number)
        code = self.process.wait(LATEST_S)  # before psutil, which would take the code with it
        _, alive = psutil.wait_procs(family, timeout=max(0.0, began + LATEST_S - time.monotonic()))
        assert not alive
        assert not self.family()
        return code


def kill(processes: list[psutil.Process]) -> None:
    """Kill those that have not ended since they were listed."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def suspend(processes: list[psutil.Process]) -> None:
    """Let those hang that have not ended since they were listed."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()


def start(folder: Path, **environment: str) -> Demo:
    """Start a demo in `folder` and wait until it serves; if it ends before, its output is in the error."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from turo.cli import main; main()", "demo", "--folder", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, MARK: str(folder), "COLUMNS": "4000", **environment},
    )  # fmt: skip
    demo = Demo(process, [], folder)
    serving = threading.Event()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            demo.lines.append(line.rstrip())
            if ADDRESS.fullmatch(line.rstrip()):  # the last line of all
                break
        serving.set()

    threading.Thread(target=read, daemon=True).start()
    serving.wait(timeout=START_S)
    log = folder / "demo.log"
    said = "\n".join([demo.text, log.read_text()[-6000:] if log.exists() else ""])
    assert process.poll() is None and demo.lines and ADDRESS.fullmatch(demo.lines[-1]), said
    return demo
