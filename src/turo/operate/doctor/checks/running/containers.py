"""What Docker tells of the stack's containers, and what answers at their ports from outside."""

from __future__ import annotations

from collections.abc import Iterator

from turo.operate.doctor.checks.running.services import BESIDE
from turo.operate.doctor.facts import Container, Facts
from turo.operate.doctor.finding import Severity, Trouble

MIB = 1 << 20
ONCE = ("bootstrap", "airflow_init", "restore")  # they end
DOORS = {
    "SERVE_PORT": ("ray", 8000),
    "AIRFLOW_PORT": ("airflow_api-server", 8080),
    "MLFLOW_PORT": ("mlflow", 5000),
}


def container_state(facts: Facts) -> Iterator[Trouble]:
    """Containers run, and those that do one thing have done it."""
    found = facts.host.containers
    started = any(one.state == "running" and one.service not in ONCE for one in found)
    for one in found:  # what was stopped by hand is no fault; a step that failed is why nothing started
        own = facts.services and one.service not in facts.services
        if own and one.state == "exited" and not one.code:
            continue  # of an override: what does one thing and ends well
        if (started or one.service in ONCE) and (said := _said(one)):
            yield Trouble(
                f"{one.service} {said}.",
                "What it does is not done meanwhile, and others may wait for it.",
                _remedy(one),
                Severity.WARNING if one.service in BESIDE else None,
            )


def _said(one: Container) -> str:
    killed = ", ended for lack of memory" if one.out_of_memory else ""
    if one.service in ONCE:
        return f"failed with code {one.code}{killed}" if one.state == "exited" and one.code else ""
    if one.state == "running":
        return "runs, and its health check fails" if one.health == "unhealthy" else ""
    if one.state in ("exited", "dead"):
        return f"has ended with code {one.code}{killed}"
    return f"is {one.state}{killed}"


def _remedy(one: Container) -> str:
    name = one.service
    if one.state == "paused":
        return f"docker compose unpause {name}"
    if name in ONCE:
        return f"docker compose logs {name} tells why; then docker compose up {name}"
    if one.out_of_memory:
        return f"Raise the memory limit of {one.service}, then docker compose up -d --wait {one.service}."
    if one.state == "running":
        return f"docker compose restart {name}; docker compose logs {name} tells what it lacks."
    return f"docker compose up -d --wait {name}; docker compose logs {name} tells why it ended."


def container_memory(facts: Facts) -> Iterator[Trouble]:
    """Each has the memory that the compose file gives it."""
    for one in facts.host.containers:
        wanted = facts.limits.get(one.service, 0)
        if one.state == "running" and one.memory and one.memory < wanted:
            yield Trouble(
                f"{one.service} may use {one.memory // MIB} MiB; docker-compose.yml says {wanted // MIB}.",
                "The kernel ends it at the lower limit, in the middle of whatever it does.",
                f"docker compose up -d --force-recreate {one.service}",
            )


def outside(facts: Facts) -> Iterator[Trouble]:
    """What is published answers on this machine, not only among the containers."""
    found = facts.host.containers
    running = {one.service for one in found if one.state == "running" and one.health != "starting"}
    for name, status in facts.host.doors.items():
        service, port = DOORS.get(name, ("", 0))
        if service in running and not status:
            yield Trouble(
                f"{service} runs, and nothing answers on this machine at {name}={facts.chosen(name)}.",
                "Browsers and programs outside the stack do not reach it.",
                f"docker compose port {service} {port} tells where it is published; look for a firewall or "
                f"VPN that keeps the machine from itself. If neither is it: docker compose restart {service}",
            )
