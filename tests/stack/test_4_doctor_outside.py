"""`./doctor.sh` from the folder of the stack: before a start, in a healthy stack, with a service paused."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from compose_stack import Stack, figures, wait_for

pytestmark = pytest.mark.stack
# The machine's own, and what earlier tests left of failed runs and alerts: no fault of a stack of minutes.
OTHERS = {
    "disk-space",
    "memory",
    "processors",
    "stack-disk",
    "alert-firing",
    "failed-run",
    "failed-step",
    "backup-fresh",
    "champion-data",
}


@dataclass(frozen=True)
class Told:
    """What the script said, and how long it took."""

    findings: list[dict[str, Any]]
    checked: set[str]
    skipped: set[str]
    code: int
    seconds: float

    def of(self, check: str) -> list[str]:
        """The sentences of one check."""
        return [one["what"] for one in self.findings if one["check"] == check]


def script(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """`./doctor.sh` as the stack's user starts it; in its shell are the variables that the stack has."""
    return subprocess.run(
        ["./doctor.sh", *words],
        cwd=stack.folder,
        env=stack.variables() | {"COMPOSE_PROJECT_NAME": stack.project},
        capture_output=True,
        text=True,
        timeout=180,
    )


def doctor(stack: Stack) -> Told:
    began = time.monotonic()
    done = script(stack, "--json")
    seconds = time.monotonic() - began
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise AssertionError(f"no JSON: {done.stdout!r} {done.stderr!r}") from error
    errors = any(one["severity"] == "error" for one in told["findings"])
    assert done.returncode == int(errors), done.stderr
    return Told(told["findings"], {*told["checked"]}, {*told["skipped"]}, done.returncode, seconds)


@pytest.fixture
def unstarted(stack: Stack) -> Iterator[Stack]:
    """A second project in the same folder of which nothing runs; only the doctor's own volumes come to be."""
    found = Stack(stack.folder, f"{stack.project}-unstarted", {**stack.environment})
    yield found
    found.down("-v")


@pytest.fixture
def foreign() -> Iterator[int]:
    """A port of this machine at which a program that is none of the stack's listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_before_a_start_it_names_who_has_a_port(unstarted: Stack, foreign: int) -> None:
    unstarted.environment["AIRFLOW_PORT"] = str(foreign)
    told = doctor(unstarted)
    taken = told.of("port-taken")
    assert [one for one in taken if one.startswith(f"Port {foreign} (AIRFLOW_PORT) is taken by ")], taken
    # And the stack that runs has the others.
    serve = unstarted.environment["SERVE_PORT"]
    running = unstarted.project.removesuffix("-unstarted")
    assert [
        one
        for one in taken
        if one.startswith(f"Port {serve} (SERVE_PORT) is taken by the container {running}-")
    ]
    assert told.code == 1
    assert "service-away" in told.skipped, "of what does not run nothing is said"
    figures["./doctor.sh before a start"] = f"{told.seconds:.1f} s"


def networks(stack: Stack) -> dict[str, list[str]]:
    """The containers of each network of the stack that the doctor joins, by its id."""
    names = [f"{stack.project}_{name}" for name in ("edge", "backend")]
    done = subprocess.run(
        ["docker", "network", "inspect", *names], capture_output=True, text=True, check=True
    )
    return {one["Id"]: sorted(one["Containers"]) for one in json.loads(done.stdout)}


def test_a_healthy_stack_has_no_error(stack: Stack) -> None:
    before = networks(stack)

    def healthy() -> Told:
        told = doctor(stack)
        errors = [one for one in told.findings if one["severity"] == "error" and one["check"] not in OTHERS]
        assert errors == []
        return told

    told = wait_for("doctor.sh finds no error", healthy, timeout=180, period=5)
    assert told.of("port-taken") == told.of("container-state") == told.of("outside") == []
    assert told.checked >= {"port-taken", "container-state", "outside", "service-away", "host-allowed"}
    assert networks(stack) == before, "it joins them as they are, and leaves them so"
    figures["./doctor.sh of a healthy stack"] = f"{told.seconds:.1f} s"


def test_in_words_it_ends_with_what_it_counted(stack: Stack) -> None:
    done = script(stack)
    assert [line for line in done.stdout.splitlines() if line.endswith(" checks.")], done.stdout + done.stderr
    assert "docs/runbook.md#" in done.stdout, "the shell's variables at least are told of"


def test_a_paused_service_is_named_by_docker_and_by_its_silence(stack: Stack) -> None:
    stack.compose("pause", "mlflow")
    try:
        told = doctor(stack)
    finally:
        stack.compose("unpause", "mlflow")
    assert told.code == 1
    assert told.of("container-state") == ["mlflow is paused."]
    (remedy,) = [one["remedy"] for one in told.findings if one["check"] == "container-state"]
    assert remedy == "docker compose unpause mlflow"
    assert [one for one in told.of("service-away") if one.startswith("mlflow does not answer: ")]
    figures["./doctor.sh with mlflow paused"] = f"{told.seconds:.1f} s"
