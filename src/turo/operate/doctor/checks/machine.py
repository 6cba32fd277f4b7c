"""The machine: Docker, Compose, memory, processors, disk, clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from turo.operate.doctor.clocks import DRIFT_S, apart
from turo.operate.doctor.facts import GIB, Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.operate.doctor.sizes import bytes_of
from turo.words import counted

DOCKER, COMPOSE = (26, 0), (2, 40)  # what docker-compose.yml is written for
IDLE_GIB = 6  # that the whole stack takes without work as it comes: 5.7 measured
LEAST_IDLE_GIB = 5  # the same with one replica of each of four models, see `replicas-memory`
WORK_GIB = 2  # of one preparation and one training beside it
BESIDE_GIB = 2.5  # of it, what is not Ray's
SLACK_GIB = 0.5  # a machine of 8 GiB says it has a little less
FULL_GIB, TIGHT_GIB = 5, 15  # the images take about 8, Docker's cache as much again while they are built


def docker_version(facts: Facts) -> Iterator[Trouble]:
    """Docker's engine is as new as the compose file needs."""
    if _older(facts.host.docker, DOCKER):
        yield Trouble(
            f"Docker is {facts.host.docker}; {DOCKER[0]} or newer is needed.",
            "Older engines do not know what the compose file asks of health checks.",
            "Update Docker: https://docs.docker.com/engine/install/",
        )


def compose_version(facts: Facts) -> Iterator[Trouble]:
    """So is Compose."""
    if _older(facts.host.compose, COMPOSE):
        yield Trouble(
            f"Docker Compose is {facts.host.compose}; {COMPOSE[0]}.{COMPOSE[1]} or newer is needed.",
            "Older ones cannot build one image on another of the same file.",
            "Update the plugin: https://docs.docker.com/compose/install/",
        )


def _older(version: str, least: tuple[int, int]) -> bool:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < least


def memory(facts: Facts) -> Iterator[Trouble]:
    """Docker's machine holds the stack, and Ray at its limit."""
    found = facts.host.memory / GIB
    if not found:
        return
    where = f"Docker's machine has {found:.1f} GiB of memory"
    raise_it = (
        "Give Docker more memory (Docker Desktop: Settings > Resources), or stop what else runs on the "
        "machine."
    )
    limit = (bytes_of(facts.chosen("RAY_MEM_LIMIT")) or 0) / GIB
    if found < LEAST_IDLE_GIB + WORK_GIB - SLACK_GIB:
        yield Trouble(
            f"{where}; the stack takes {IDLE_GIB} without work ({LEAST_IDLE_GIB} with one replica of each "
            f"model), and {WORK_GIB} beside it while a model trains.",
            "The kernel ends processes at random once memory is full.",
            raise_it,
            Severity.ERROR,
        )
    elif found < limit + BESIDE_GIB:
        fewer = ", and SERVE_MIN_REPLICAS and SERVE_MAX_REPLICAS to 1"
        yield Trouble(
            f"{where}, less than RAY_MEM_LIMIT={facts.chosen('RAY_MEM_LIMIT')} and what the other services "
            "take.",
            "Ray gives up work in good order at its own limit only; the machine is full before that.",
            f"{raise_it} Or set RAY_MEM_LIMIT={int(found - BESIDE_GIB)}g in .env"
            f"{fewer if found < IDLE_GIB + WORK_GIB - SLACK_GIB else ''}.",
        )


def processors(facts: Facts) -> Iterator[Trouble]:
    """What the replicas reserve leaves something for the rest."""
    names = [name for name in facts.chosen("MODEL_NAMES").split(",") if name.strip()]
    here = facts.host.processors
    try:
        given = float(facts.chosen("RAY_NUM_CPUS") or here)
        share = float(facts.chosen("SERVE_REPLICA_CPUS") or 0)
        replicas = len(names) * int(facts.chosen("SERVE_MIN_REPLICAS") or 0)
    except ValueError:
        return  # of which `env-value` speaks
    if given and share * replicas >= given:
        yield Trouble(
            f"{counted(replicas, 'replica')} at SERVE_REPLICA_CPUS={share:g} reserve {share * replicas:g} of "
            f"{counted(f'{given:g}', 'processor')}.",
            "Replicas or the tasks of a preparation wait for a processor that never comes free.",
            "Lower SERVE_REPLICA_CPUS (0.01 reserves next to nothing) or SERVE_MIN_REPLICAS, or "
            "raise RAY_NUM_CPUS.",
        )


def disk_space(facts: Facts) -> Iterator[Trouble]:
    """Room for images, data and models."""
    by_room = dict[int, list[str]]()
    for place, free in facts.host.free.items():
        by_room.setdefault(free, []).append(place)  # often one disk
    for free, places in sorted(by_room.items()):
        room = free / GIB
        if room >= TIGHT_GIB:
            continue
        yield Trouble(
            f"{room:.1f} GiB are free where {' and '.join(sorted(places))} are kept.",
            "PostgreSQL, MLflow and the preparation fail once the disk is full; a first build "
            "takes some 15 GiB.",
            "docker system df shows what Docker keeps, docker system prune removes what nothing "
            "uses; then old "
            "files in backups/ and datas/other-fleets/.",
            Severity.ERROR if room < FULL_GIB else Severity.WARNING,
        )


def clock(facts: Facts) -> Iterator[Trouble]:
    """The clocks of the host, of Docker's machine, of the outside and of the files agree."""
    host = facts.host
    remedy = "Set the clock, best by time synchronisation: sudo timedatectl set-ntp true."
    if host.outside and host.now and abs(host.now - host.outside) > DRIFT_S:
        yield Trouble(
            f"The clock is {apart(host.now - host.outside)} against that of a server outside.",
            "Tokens and certificates are judged as too old or too young, and forecasts begin on "
            "the wrong Monday.",
            remedy,
        )
    if host.now - facts.now > DRIFT_S:  # never ahead: an image may have been built in between
        yield Trouble(
            f"The clock inside containers is {apart(facts.now - host.now)} against that of the host.",
            "Docker's machine has slept and not caught up; tokens and schedules are off by as much.",
            "Restart Docker.",
        )
    name, changed = facts.newest
    if changed - facts.now > DRIFT_S:
        yield Trouble(
            f"{name} was changed {datetime.fromtimestamp(changed, UTC):%Y-%m-%d %H:%M} UTC, "
            f"{apart(changed - facts.now)} of the clock.",
            "Either the clock went back, or the file was written under a wrong one; a change of it "
            "may go unseen.",
            f"{remedy} If it is right: touch {name}",
        )


def unanswered(facts: Facts) -> Iterator[Trouble]:
    """Everything that was asked has an answer."""
    for name, why in facts.unanswered.items():
        yield Trouble(
            f"It could not be told of {name}: {why}.",
            "What depends on it was not judged. A disk or a service hangs, or a file may not be read.",
            "Look at the file named; else at the load of the machine and at dmesg. Then ask again.",
            Severity.NOTE if name == ".env" else None,  # its owner's only, as it should be
        )
