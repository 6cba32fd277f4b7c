"""The running stack: room on the disks that services write to, Ray's memory and processors, owners."""

from __future__ import annotations

from collections.abc import Iterator

from turo.errors import ServiceError
from turo.operate.ask.ray import Cluster
from turo.operate.doctor.checks.running.services import of
from turo.operate.doctor.facts import GIB, Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.operate.doctor.stack import Stack
from turo.words import counted, listed

FULL, TIGHT = (0.05, 1 * GIB), (0.1, 5 * GIB)  # of the whole, but never more than so many bytes
MEMORY_FULL = 0.9
A_TASK = 1.0  # processor


def stack_disk(facts: Facts) -> Iterator[Trouble]:
    """No disk that a service writes to is full."""
    stack = of(facts)
    places = {
        room.name.removeprefix("disk of "): (room.free or 0, room.total or 0) for room in stack.kept.rooms
    }
    if isinstance(stack.cluster, Cluster):
        for node in stack.cluster.nodes:
            if node.alive:  # its "/" is the disk of Docker, of which `disk-space` speaks
                own = {folder: disk for folder, disk in node.disks.items() if folder != "/"}
                places |= {
                    f"{folder} of {node.name}": (disk.free, disk.total) for folder, disk in own.items()
                }
    for place, (free, total) in places.items():
        if not total or free >= _least(total, TIGHT):
            continue
        yield Trouble(
            f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free in {place}.",
            "What is written there fails: tables, forecasts and backups, or in Ray's folder every task.",
            "docker compose restart ray empties Ray's folder; RAY_TMP_SIZE makes it larger."
            if " of " in place
            else "Remove old files there (datas/other-fleets/, backups/), docker system prune, or give the "
            "disk more room.",
            Severity.ERROR if free < _least(total, FULL) else None,
        )
    if stack.full is True:
        yield Trouble(
            "PostgreSQL's volume is full, or nearly.",
            "It stops when it can write no more: no task, run or forecast is kept then.",
            "Make room on the disk of Docker (docker system df, docker system prune), then docker compose "
            "restart postgres.",
            Severity.ERROR,
        )


def _least(total: int, limit: tuple[float, int]) -> float:
    return min(total * limit[0], limit[1])


def ray_room(facts: Facts) -> Iterator[Trouble]:
    """Ray's objects fit into shared memory, and its processes below its limit."""
    disk = sum(_figure(of(facts), "ray_object_store_memory", Location="MMAP_DISK"))
    if disk > 0:
        yield Trouble(
            f"{disk / GIB:.1f} GiB of Ray's objects lie on disk instead of in shared memory.",
            "Every read of them is many times slower.",
            "Raise RAY_SHM_SIZE, or lower RAY_OBJECT_STORE_BYTES below it; docker compose up -d ray.",
        )
    used = sum(_figure(of(facts), "ray_node_mem_used"))
    total = sum(_figure(of(facts), "ray_node_mem_total"))
    if total and used / total > MEMORY_FULL:
        yield Trouble(
            f"Ray's nodes use {used / total:.0%} of {total / GIB:.1f} GiB.",
            "Above that Ray ends tasks and replicas to save itself.",
            "Raise RAY_MEM_LIMIT, or lower SERVE_MAX_REPLICAS or PREPARE_CHUNK_VEHICLES; then docker compose "
            "up -d ray.",
        )


def ray_processors(facts: Facts) -> Iterator[Trouble]:
    """What the replicas reserve leaves a processor for the tasks of a preparation."""
    stack = of(facts)
    total = sum(_figure(stack, "ray_resources", Name="CPU"))
    settings = stack.settings
    reserved = settings.serve_replica_cpus * settings.serve_min_replicas * len(settings.model_names)
    if total and total - reserved < A_TASK:
        yield Trouble(
            f"Replicas reserve {reserved:g} of Ray's {counted(f'{total:g}', 'processor')}; a task needs one.",
            "prepare_data waits for a processor that never comes free.",
            "Lower SERVE_REPLICA_CPUS or SERVE_MIN_REPLICAS, or raise RAY_NUM_CPUS; then docker compose up "
            "-d ray mlflow.",
        )


def _figure(stack: Stack, name: str, **labels: str) -> list[float]:
    if isinstance(stack.figures, ServiceError):
        return []
    return [
        one.value
        for one in stack.figures
        if one.name == name and labels.items() <= one.labels.items() and one.value == one.value  # no NaN
    ]


def owners(facts: Facts) -> Iterator[Trouble]:
    """User 1000, as whom the containers run, may write where they do."""
    closed = of(facts).kept.closed
    if closed:
        yield Trouble(
            f"User 1000 may not write to {listed(closed)}.",
            "Tables, runs and models cannot be stored there; whoever tries fails.",
            "docker compose up bootstrap gives access again; what root owns: sudo chown -R 1000 FOLDER.",
        )
