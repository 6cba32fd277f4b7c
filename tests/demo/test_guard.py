"""What ends a demo that cannot end itself; without Ray, so in seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

WITHIN_S = 3.0
# A child of its own session, as MLflow's server is; then what the case says.
SCRIPT = """
import os, signal, subprocess, sys, time
from turo.demo import guard
code = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(flush=True); time.sleep(600)"
with guard.guarded({within}):
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
    print(child.pid, flush=True)
    {then}
"""
HANG = "signal.signal(signal.{name}, lambda *_: time.sleep(600)); print('on', flush=True); time.sleep(600)"


def begin(then: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """The demo's stand-in, and every process beside it: its child and its guard."""
    script = SCRIPT.format(within=WITHIN_S, then=then)
    demo = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert demo.stdout
    child = psutil.Process(int(demo.stdout.readline()))
    return demo, [child, *(p for p in psutil.Process(demo.pid).children() if p != child)]


def ended(others: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(others, timeout=30)[1]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_one_that_hangs_while_it_ends_is_ended(name: str) -> None:
    demo, others = begin(HANG.format(name=name))
    assert demo.stdout and demo.stdout.readline() == "on\n"  # before, the signal would end it at once
    began = time.monotonic()
    demo.send_signal(signal.Signals[name])
    assert demo.wait(timeout=30) == -signal.SIGKILL
    assert time.monotonic() - began >= WITHIN_S
    assert ended(others)


def test_what_one_that_was_killed_left_is_ended() -> None:
    demo, others = begin("time.sleep(600)")
    demo.kill()
    demo.wait(timeout=30)
    assert ended(others)


def test_what_one_that_ended_by_itself_left_is_ended() -> None:
    demo, others = begin("pass")
    assert demo.wait(timeout=30) == 0
    assert ended(others)


def test_another_signal_does_not_end_it() -> None:
    demo, others = begin(
        f"signal.signal(signal.SIGUSR1, lambda *_: print('heard', flush=True)); print('on', flush=True);"
        f"time.sleep({WITHIN_S + 2}); os._exit(7)"
    )
    assert demo.stdout and demo.stdout.readline() == "on\n"
    os.kill(demo.pid, signal.SIGUSR1)
    assert demo.stdout.readline() == "heard\n"
    assert demo.wait(timeout=60) == 7  # it was left to end when it liked
    assert ended(others)
