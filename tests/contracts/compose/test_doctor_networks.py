"""doctor.sh, by the real client, leaves a stack's networks alone, whatever files that was started with."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_engine import Engine, Thing, container, engine, network

REPOSITORY = Path(__file__).resolve().parents[3]
EDGE, BACKEND = network("turo_edge", "edge"), network("turo_backend", "backend")


@pytest.fixture
def socket() -> Iterator[Path]:
    """The path of a socket may have a hundred characters only."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "docker.sock"


def joined(socket: Path, networks: list[Thing], containers: list[Thing], **variables: str) -> list[str]:
    """The networks of the container that doctor.sh has made; that and a volume are all that it has made."""
    done = ["docker", "compose", "version"]
    if not shutil.which("docker") or subprocess.run(done, capture_output=True).returncode:
        pytest.skip("docker compose is not installed")
    with engine(socket, networks, containers) as asked:
        told = run(socket, **variables)
    assert changes(asked) == ["POST /volumes/create", "POST /containers/create"], told
    made = asked.changes[-1][1]
    if (mode := made["HostConfig"]["NetworkMode"]) == "none":
        return []
    found = sorted(made["NetworkingConfig"]["EndpointsConfig"])
    assert mode in found
    return found


def changes(asked: Engine) -> list[str]:
    return [what for what, _ in asked.changes]


def run(socket: Path, **variables: str) -> str:
    """It ends without an answer: containers are made nowhere here."""
    home = os.environ.get("HOME", "/")  # where plugins may lie
    environment = {"PATH": os.environ["PATH"], "HOME": home, "DOCKER_HOST": f"unix://{socket}"}
    done = subprocess.run(
        [str(REPOSITORY / "doctor.sh")],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_a_network_of_another_file_is_joined_and_neither_left_nor_made_anew(socket: Path) -> None:
    """Compose by itself takes a running container off one whose driver options an override sets."""
    running = container("operator", "turo_edge", "turo_backend")
    assert joined(socket, [EDGE, BACKEND], [running]) == ["turo_backend", "turo_edge"]


def test_before_the_first_start_none_is_made(socket: Path) -> None:
    assert joined(socket, [], []) == []


def test_networks_of_the_users_own_are_joined_where_the_operator_is(socket: Path) -> None:
    own = [network("company"), network("turo_databases", "backend"), EDGE]
    running = container("operator", "company", "turo_databases", "gone")
    assert joined(socket, own, [running]) == ["company", "turo_databases"]
    assert joined(socket, [network("company")], [container("operator", "company")]) == ["company"]


def test_where_the_operator_is_away_those_of_the_stack_are_joined(socket: Path) -> None:
    others = [network(f"other_{key}", key, project="other") for key in ("edge", "backend")]
    running = container("ray", "turo_edge", "turo_backend")
    assert joined(socket, [*others, EDGE, BACKEND], [running]) == ["turo_backend", "turo_edge"]
    assert joined(socket, [*others, EDGE, BACKEND], [], COMPOSE_PROJECT_NAME="other") == [
        "other_backend",
        "other_edge",
    ]
