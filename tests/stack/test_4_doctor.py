"""`turo doctor` in the running stack: silent while all is well, naming a service that hangs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from compose_stack import LATEST, Stack, figures, wait_for

pytestmark = pytest.mark.stack
AIM_S = 10.0
# A stack of minutes: its alerts may still be pending or fire for what earlier tests did.
OF_EARLIER_TESTS = {
    "alert-firing",
    "failed-run",
    "failed-step",
    "champion-data",
    "backup-fresh",
    "disk-space",
}


def findings(stack: Stack) -> tuple[list[dict[str, Any]], float]:
    """What it finds in the stack, and in how many seconds of the operator's container."""
    told, seconds = stack.timed("operator", "turo", "doctor", "--json", check=False)
    found = [one for one in json.loads(told)["findings"] if one["check"] not in OF_EARLIER_TESTS]
    return [one for one in found if one["severity"] != "note"], seconds


def test_nothing_is_found_in_a_healthy_stack(stack: Stack) -> None:
    def healthy() -> float:
        found, seconds = findings(stack)
        away = tuple(f"{name} does not answer" for name in stack.absent)
        assert [one for one in found if not (away and one["what"].startswith(away))] == []
        return seconds

    seconds = wait_for("the doctor finds nothing", healthy, timeout=180, period=5)
    figures["turo doctor of the running stack"] = f"{seconds:.1f} s (aimed at {AIM_S:.0f})"
    assert seconds < LATEST * AIM_S


@pytest.mark.parametrize("service", ["redis", "postgres", "mlflow", "jupyter", "airflow_worker"])
def test_a_service_that_hangs_is_named(stack: Stack, service: str) -> None:
    """All services, killed ones too: tests/drills/, where the front door is looked at as well."""
    stack.compose("pause", service)
    try:
        found, seconds = findings(stack)
    finally:
        stack.compose("unpause", service)
    named = [one for one in found if one["check"] == "service-away" and one["what"].startswith(f"{service} ")]
    assert named, found
    assert f" {service}" in named[0]["remedy"]
    figures[f"doctor with {service} paused"] = f"{seconds:.1f} s (aimed at {AIM_S:.0f})"
    assert seconds < LATEST * AIM_S
