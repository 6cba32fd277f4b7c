"""The guard: a process beside the demo that ends all its processes, in bounded time, however the demo ends.

It reads a pipe from the demo. A signal that tells the demo to end is written into the pipe by Python itself,
even while the demo hangs in a library; the pipe closes when the demo has ended, even if it was killed. Then
every process that carries the demo's mark in its environment is ended.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from turo.patience import Patience

MARK = "TURO_DEMO"
END_WITHIN_S = 60.0  # from the signal to end; all that is left then is killed
ENDING = b"e"
# As bytes in the pipe; other signals are ignored.
END_REQUESTS = {*ENDING, signal.SIGINT, signal.SIGTERM}
GRACE_S = 5.0  # for processes that end by themselves once the demo has ended


@contextmanager
def guarded(end_within_s: float = END_WITHIN_S) -> Iterator[None]:
    """Whatever is started in this block ends with this process, and that soon after the block's end.

    Args:
        end_within_s: from the block's end, or a signal to end, until all that is left is killed.
    """
    pipe = _watch(end_within_s)
    try:
        yield
    finally:
        os.write(pipe, ENDING)  # for a reason that is no signal


def _watch(end_within_s: float) -> int:
    """Start the guard; returns the pipe to it, which stays open as long as this process lives."""
    os.environ[MARK] = secrets.token_hex(8)  # every process started from here on inherits it
    reading, writing = os.pipe()
    # A session of its own: Ctrl-C in the terminal must not end it.
    command = [sys.executable, "-m", "turo.demo.guard", str(os.getpid()), str(end_within_s)]
    subprocess.Popen(command, stdin=reading, start_new_session=True)  # noqa: S603 - our own command line
    os.close(reading)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return writing


def main(demo_id: int, end_within_s: float) -> None:
    """Wait until the demo ends or is told to, then end whatever is left of it."""
    # If the demo has ended already, its process id may belong to another process.
    demo = psutil.Process(demo_id) if os.getppid() == demo_id else None
    pipe = sys.stdin.fileno()
    ended = not _is_told_to_end(pipe) or _ends(pipe, time.monotonic() + end_within_s)
    if ended:
        Patience(0.1, GRACE_S).poll(lambda: not _family(demo))
    while family := _family(demo):
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=1)


def _is_told_to_end(pipe: int) -> bool:
    """Wait for a signal to end; False: the demo has ended without one."""
    while said := os.read(pipe, 64):
        if END_REQUESTS & set(said):
            return True
    return False


def _ends(pipe: int, deadline: float) -> bool:
    """Whether the demo, which was told to, has ended by the deadline."""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0] and not os.read(pipe, 64):
            return True
    return False


def _family(demo: psutil.Process | None) -> list[psutil.Process]:
    """The demo and every process that inherited its mark, those that live, without this one."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process == demo or process.environ().get(MARK) == os.environ[MARK]
            if marked and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
