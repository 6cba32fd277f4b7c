"""What the containers of a running stack use: memory now, processor time since each was started."""

from __future__ import annotations

import json
import subprocess

from compose_stack import Stack

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "B": 1}
# The kernel's own account of the container, its health checks included; in its second and in its first form.
ACCOUNT = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"


def memory(stack: Stack) -> dict[str, float]:
    """Container → bytes, without what the kernel would give back at once."""
    ids = stack.compose("ps", "-q").stdout.split()
    command = ["docker", "stats", "--no-stream", "--format", "json", *ids]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in told.splitlines()]
    return {row["Name"]: _size(row["MemUsage"].split(" / ")[0]) for row in rows}


def processor(stack: Stack) -> dict[str, float]:
    """Container → seconds of processor time that it has used so far."""
    running = [one for one in stack.containers() if one["State"] == "running"]
    return {one["Name"]: _seconds(one["ID"]) for one in running}


def _seconds(container: str) -> float:
    command = ["docker", "exec", container, "sh", "-c", ACCOUNT]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(told[told.index("usage_usec") + 1]) / 1e6 if "usage_usec" in told else int(told[0]) / 1e9


def _size(text: str) -> float:
    number = text.rstrip("KMGiB")
    return float(number) * UNITS[text[len(number) :]]
