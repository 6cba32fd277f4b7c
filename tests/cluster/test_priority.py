"""A job and the tasks it starts wait behind serving; read from the kernel, not from a setting."""

from __future__ import annotations

import shlex

import pytest
from local_ray import LocalRay

from turo.cluster.jobs import Jobs
from turo.cluster.priority import JOBS

pytestmark = pytest.mark.ray

NICENESS = """
import json, subprocess, sys
import ray

def niceness():  # the 19th field of proc(5), counted behind the command's name
    return int(open("/proc/self/stat").read().rpartition(")")[2].split()[16])

@ray.remote(num_cpus=0.1)
def task():
    return niceness()

@ray.remote(num_cpus=0.1)
class Actor:
    def niceness(self):
        return niceness()

child = subprocess.run(["nice"], capture_output=True, text=True, check=True).stdout
ray.init(address="auto", log_to_driver=False)
found = {"driver": niceness(), "child": int(child), "task": ray.get(task.remote())}
print("TURO_RESULT", json.dumps({**found, "actor": ray.get(Actor.remote().niceness.remote())}))
"""


def test_every_process_of_a_job_steps_back(local_ray: LocalRay) -> None:
    jobs = Jobs(local_ray.url, local_ray.token, deadline_s=60, poll_s=0.3)
    for job_id, entrypoint in (("words", words := ["python", "-c", NICENESS]), ("line", shlex.join(words))):
        found = jobs.run(job_id, entrypoint, log=lambda _: None, num_cpus=0.1).result
        assert set(found) == {"driver", "child", "task", "actor"}
        assert min(found.values()) >= JOBS, found
