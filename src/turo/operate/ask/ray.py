"""Asks Ray's dashboard, with its token: what runs, and how much room its nodes have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from turo.errors import ServiceError
from turo.operate.ask.conversation import Conversation, Place, RefusedError

if TYPE_CHECKING:
    from turo.settings import Settings

ALIVE = "ALIVE"


@dataclass(frozen=True)
class Disk:
    """Bytes."""

    total: int = 0
    free: int = 0


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes:
        disks: by folder; one is where Ray keeps its sessions and spilled objects.
    """

    name: str
    alive: bool
    disks: Mapping[str, Disk]


@dataclass(frozen=True)
class Cluster:
    """The version that runs, and its nodes."""

    version: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class _Version:
    ray_version: str


@dataclass(frozen=True)
class _Raylet:
    state: str = ALIVE


@dataclass(frozen=True)
class _Node:
    hostname: str = ""
    disk: dict[str, Disk] = field(default_factory=dict)
    raylet: _Raylet = field(default_factory=_Raylet)


@dataclass(frozen=True)
class _Summary:
    summary: list[_Node] = field(default_factory=list)


@dataclass(frozen=True)
class _Nodes:
    data: _Summary


def place(settings: Settings) -> Place:
    """Where it is."""
    url = settings.ray_dashboard_url or f"http://127.0.0.1:{settings.ray_dashboard_port}"
    return Place("Ray's dashboard", url, "RAY_DASHBOARD_URL", "ray", settings.answer_within_s)


def cluster(settings: Settings) -> Cluster:
    """What it says of itself.

    Raises:
        ServiceError: it does not answer, or takes the token for wrong.
    """
    token = settings.token()
    talk = Conversation(place(settings), {"Authorization": f"Bearer {token}"} if token else None)
    try:
        version = talk.get(_Version, "/api/version").ray_version
        told = talk.get(_Nodes, "/nodes", view="summary").data.summary
    except RefusedError as error:
        if error.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise
        refused = "does not accept the token" if token else "wants a token, and none was given"
        raise ServiceError(
            f"Ray {refused}.",
            "`docker compose up -d --force-recreate bootstrap ray` hands out the vault's token to all; on a "
            "laptop set RAY_AUTH_TOKEN_PATH.",
        ) from None
    return Cluster(version, tuple(Node(n.hostname, n.raylet.state == ALIVE, n.disk) for n in told))
