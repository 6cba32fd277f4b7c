"""MLflow's alias lookup, Serve's description of a route and its replicas: what the waiting task needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from json_server import json_server

from turo.serving.replica.states import STATES_PATH

T = TypeVar("T")


@dataclass
class Platform:
    """What the two services say.

    Attributes:
        champions: version a name's alias points at.
        served: descriptions a route gives, one a request; the last one is repeated.
        replicas: versions that the replicas of a name serve, one list a request, the last one is repeated; of
            a name that is not here two serve what its route said last.
        failures: so many requests get 503 first.
    """

    url: str = ""
    champions: dict[str, str] = field(default_factory=dict)
    served: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    replicas: dict[str, list[list[str]]] = field(default_factory=dict)
    failures: int = 0
    said: dict[str, str] = field(default_factory=dict)

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        if self.failures > 0:
            self.failures -= 1
            return 503, {}
        parts = urlsplit(path)
        if parts.path.startswith("/api/"):
            name = parse_qs(parts.query)["name"][0]
            if name not in self.champions:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{name} not found"}
            return 200, {"model_version": {"name": name, "version": self.champions[name]}}
        if parts.path == STATES_PATH:
            return 200, {"replicas": [report for name in self.said for report in self._reports(name)]}
        name = parts.path.strip("/")
        if not self.served.get(name):
            return 404, {"detail": "no such route"}
        said = _next(self.served[name])
        self.said[name] = said["version"]
        return 200, said

    def _reports(self, name: str) -> list[dict[str, Any]]:
        known = self.replicas.get(name)
        versions = _next(known) if known else [self.said[name]] * 2
        return [
            {"name": name, "replica": str(number), "serves": {"name": name, "version": version}}
            for number, version in enumerate(versions)
        ]


def _next(answers: list[T]) -> T:
    return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def platform() -> Iterator[Platform]:
    """Both services on one port."""
    state = Platform()
    with json_server(lambda _, path, body: (*state.answer(path), {})) as state.url:
        yield state
