"""Niceness of processes: on a busy processor serving comes first, jobs come behind it.

Ray gives its workers the niceness 15 and the jobs it runs 0, which is the wrong way round here. So its nodes
are started with `RAY_worker_niceness=0` (see `turo.serving.ingress.node`), and each process of a job steps
back. A niceness can be raised, but never lowered again.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

SERVING = 0  # replicas, proxy, controller: Ray's workers as its nodes are started
JOBS = 15  # what a process of a job waits behind: 1/28 of the share of one at 0, where both want a processor


def step_back() -> None:
    """Put this process behind serving, with all it will start."""
    if os.getpriority(os.PRIO_PROCESS, 0) < JOBS:
        os.setpriority(os.PRIO_PROCESS, 0, JOBS)


def job_command(entrypoint: str | Sequence[str]) -> str:
    """A job's shell command, behind serving with all that it starts.

    Args:
        entrypoint: a shell command, or its words, which are quoted one by one.
    """
    words = ["sh", "-c", entrypoint] if isinstance(entrypoint, str) else entrypoint
    return shlex.join(["nice", "-n", str(JOBS), *words])


def job_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """The runtime environment of a job: the workers of its tasks, which Ray starts, step back first."""
    return {"env_vars": dict(env), "worker_process_setup_hook": f"{__name__}.{step_back.__name__}"}
