"""A Serve that only remembers: replicas that take versions over or refuse them, and may be away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from turo.errors import ServiceError
from turo.serving.replica.states import Failure, Running, State
from turo.serving.serve_config import ModelSpec

TRACE = 'RuntimeError: Traceback (most recent call last):\n  File "app.py", line 1\n'


@dataclass
class Replica:
    """One of an application's replicas."""

    serves: ModelSpec | None = None
    failed: Failure | None = None
    state: str = "RUNNING"
    silent: bool = False  # has not reported


@dataclass
class FakeServe:
    """Deploys at once.

    Attributes:
        broken: error by version; replicas that serve something keep it, others do not start.
        broken_at: the same for one replica, by (replica, version).
        deadly: versions that kill the replica that loads them, without a word.
        slow: versions that replicas never get ready with.
        replicas: of each application, by id.
        applied: models and versions of every configuration, in order.
    """

    size: int = 1
    broken: dict[str, str] = field(default_factory=dict)
    broken_at: dict[tuple[str, str], str] = field(default_factory=dict)
    deadly: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    away: bool = False
    catalog_away: bool = False
    replicas: dict[str, dict[str, Replica]] = field(default_factory=dict)
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    applied: list[dict[str, str]] = field(default_factory=list)
    awaited: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)  # Serve's message of applications that cannot start
    _up: bool = False
    _started: int = 0

    def applications(self) -> dict[str, Running]:
        if self.away:
            raise ServiceError("Ray does not answer.")
        found = {name: self._application(name) for name in self.contents}
        return {**found, **({"catalog": Running("RUNNING", "", None)} if self._up else {})}

    def states(self) -> dict[str, dict[str, State]]:
        if self.catalog_away or self.away:
            raise ServiceError("The catalog does not tell.")
        return {
            name: {
                key: State(replica=key, serves=replica.serves, failed=replica.failed)
                for key, replica in replicas.items()
                if not replica.silent
            }
            for name, replicas in self.replicas.items()
        }

    def apply(self, configuration: dict[str, Any]) -> None:
        self._up = True
        models = [a for a in configuration["applications"] if a["name"] not in ("catalog", "shadow")]
        (catalog,) = (a for a in configuration["applications"] if a["name"] == "catalog")
        self.awaited = catalog["deployments"][0]["user_config"]["awaited"]
        contents = {a["name"]: a["deployments"][0]["user_config"] for a in models}
        changed = [name for name, content in contents.items() if self.contents.get(name) != content]
        self.contents = contents
        self.applied.append({name: content["spec"]["version"] for name, content in contents.items()})
        self.replicas = {name: found for name, found in self.replicas.items() if name in contents}
        for name in changed:
            self.roll_out(name)

    def roll_out(self, name: str) -> None:
        """What Serve does with a new user_config: those that run are told, missing ones are started."""
        running = self.replicas.setdefault(name, {})
        for key, replica in list(running.items()):
            if not self._take(name, key, replica):
                del running[key]
        self.failed.pop(name, None)
        for _ in range(self.size - len(running)):
            self._started += 1
            replica = Replica()
            spec = self.contents[name]["spec"]["version"]
            if spec in self.deadly:
                self.failed[name] = "The replica died unexpectedly."
            elif spec in self.broken:
                self.failed[name] = f"{TRACE}turo.errors.{self.broken[spec]}\n"
            if self._take(name, f"r{self._started}", replica) and replica.serves:
                running[f"r{self._started}"] = replica

    def retry(self, name: str) -> None:
        """Replicas try again what they failed, as they do by themselves after a while."""
        for key, replica in self.replicas[name].items():
            self._take(name, key, replica)

    def restart(self) -> None:
        """Ray is back and knows nothing."""
        self.replicas, self.contents, self._up = {}, {}, False

    def served(self, name: str) -> set[str]:
        """Versions that answer; empty where the route is away."""
        return {replica.serves.version for replica in self.replicas.get(name, {}).values() if replica.serves}

    def _take(self, name: str, key: str, replica: Replica) -> bool:
        content = self.contents[name]
        spec = ModelSpec.model_validate(content["spec"])
        if replica.serves == spec:
            replica.failed = None
            return True
        if spec.version in self.deadly:
            return False
        if spec.version in self.slow:
            return True
        error = self.broken_at.get((key, spec.version)) or self.broken.get(spec.version)
        if error is None:
            replica.serves, replica.failed = spec, None
            return True
        passing = not error.startswith(("DeployError", "RegistryError"))
        replica.failed = Failure(spec=spec, reason=error, passing=passing)
        if replica.serves is None and content["stand_in"]:
            other = ModelSpec.model_validate(content["stand_in"])
            if other.version not in self.broken:
                replica.serves = other
        return replica.serves is not None

    def _application(self, name: str) -> Running:
        spec = ModelSpec.model_validate(self.contents[name]["spec"])
        replicas = {key: replica.state for key, replica in self.replicas.get(name, {}).items()}
        if replicas:
            return Running("RUNNING", "", spec, replicas)
        if name in self.failed:
            return Running("DEPLOY_FAILED", self.failed[name], spec)
        return Running("DEPLOYING", "", spec)
