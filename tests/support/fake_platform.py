"""MLflow's alias lookup and Serve's description of a route, as small as the waiting task needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from json_server import json_server


@dataclass
class Platform:
    """What the two services say.

    Attributes:
        champions: version a name's alias points at.
        served: descriptions a route gives, one a request; the last one is repeated.
        failures: so many requests get 503 first.
    """

    url: str = ""
    champions: dict[str, str] = field(default_factory=dict)
    served: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: int = 0

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
        said = self.served.get(parts.path.strip("/"))
        if not said:
            return 404, {"detail": "no such route"}
        return 200, said.pop(0) if len(said) > 1 else said[0]


@contextmanager
def platform() -> Iterator[Platform]:
    """Both services on one port."""
    state = Platform()
    with json_server(lambda _, path, body: (*state.answer(path), {})) as state.url:
        yield state
