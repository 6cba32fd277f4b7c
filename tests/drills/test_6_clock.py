"""A service whose clock is five days ahead.

The kernel has one clock of the day for all containers (its time namespaces hold the monotonic clock and the
time since boot only), and none of them may set it (no CAP_SYS_TIME). NOT DONE: a library that lies to the
programs of one container (libfaketime, mounted and named in LD_PRELOAD by an overlay). Instead a stranger in
the stack's network says so of himself, in the `Date` of his answers, by which the doctor knows clocks; what
decides by the time is tested with clocks of the tests' own (tests/serving/state_machine,
tests/operate/retrain).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from compose_stack import Stack, figures, wait_for
from drill import findings, named

pytestmark = pytest.mark.stack
NAME, PORT, DAYS = "clock-ahead", 9998, 5
PROGRAM = f"""
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + {DAYS} * 86400)
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
ThreadingHTTPServer(("", {PORT}), Handler).serve_forever()
"""


@pytest.fixture
def ahead(drilled: Stack) -> Iterator[str]:
    """The stranger's address."""
    image = f"turo/bootstrap:{drilled.environment['TURO_TAG']}"
    network = ["--network", f"{drilled.project}_edge", "--network-alias", NAME]
    run = ["docker", "run", "--rm", "--detach", "--init", *network, image, "python", "-c", PROGRAM]
    container = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    yield f"http://{NAME}:{PORT}/"
    subprocess.run(["docker", "rm", "--force", container], capture_output=True)


def test_it_is_named(drilled: Stack, ahead: str) -> None:
    def told() -> bool:
        found = findings(drilled, OPERATOR_LOOKS_AT=f"{NAME}={ahead}")
        return named(found, "service-clock", f"The clock of {NAME} is {DAYS} days ahead") is not None

    assert named(findings(drilled), "service-clock", "The clock of") is None
    wait_for("the doctor names it", told, timeout=60)
    figures["drill: a clock five days ahead"] = "doctor: service-clock"


def test_no_service_may_set_the_machine_s_clock(drilled: Stack) -> None:
    for container in drilled.containers():
        for facts in drilled.inspect(container["Service"]):
            assert "SYS_TIME" not in str(facts["HostConfig"]["CapAdd"]), facts["Name"]
