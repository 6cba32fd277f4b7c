"""A Serve in memory whose replicas are the product's own model slots, each on a node with files of its own.

It does what Serve's PUT does: what is absent goes, what changed is told to the replicas, missing ones start.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turo.errors import RegistryError, ServiceError
from turo.serving.replica import model_slot
from turo.serving.replica.model_slot import ModelSlot
from turo.serving.replica.states import DEPLOY_FAILED, RUNNING, Running, State
from turo.serving.serve_config import Content, ModelSpec
from turo.settings import Settings

CATALOG, SHADOW = "catalog", "shadow"


class DiedError(BaseException):
    """The replica's process ends without a word."""


@dataclass
class Replica:
    """One replica: its slot, and whether it has reported."""

    slot: ModelSlot
    node: int
    silent: bool = False


@dataclass
class ServeInMemory:
    """The cluster.

    Args:
        folder: the nodes' temporary files.
        settings: of the replicas.
        clock: seconds.
        left_out: told of each application that a configuration leaves out, before it goes: its name, what it
            was told to serve, whether a replica answers.

    Attributes:
        size: replicas of each application, each on a node of its own.
        lost: the next configuration takes effect and its answer gets lost.
        unheard: the next configuration gets lost itself.
        slow: what is applied is taken over only when `proceed` is called.
        deadly: versions, as (name, number), that kill the process which loads them.
        full: nodes on which nothing new can be written.
        spoiling: nodes that damage whatever is copied to them.
        applied: every configuration without the number of the attempt.
    """

    folder: Path
    settings: Settings
    clock: Callable[[], float]
    left_out: Callable[[str, ModelSpec, bool], None]
    size: int = 2
    away: bool = False
    catalog_away: bool = False
    lost: bool = False
    unheard: bool = False
    slow: bool = False
    deadly: set[tuple[str, str]] = field(default_factory=set)
    full: set[int] = field(default_factory=set)
    spoiling: set[int] = field(default_factory=set)
    applied: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[str, Content] = field(default_factory=dict)
    replicas: dict[str, dict[str, Replica]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    _up: bool = False
    _waiting: list[str] = field(default_factory=list)
    _started: int = 0

    # What the reconciler calls.

    def applications(self) -> dict[str, Running]:
        self._answer()
        found = {name: self._application(name) for name in self.contents}
        return {**found, CATALOG: Running(RUNNING, "", None)} if self._up else found

    def states(self) -> dict[str, dict[str, State]]:
        self._answer()
        if self.catalog_away:
            raise ServiceError("The catalog does not tell what the replicas serve.")
        return {
            name: {
                key: State(replica=key, serves=replica.slot.spec, failed=replica.slot.failed)
                for key, replica in replicas.items()
                if not replica.silent
            }
            for name, replicas in self.replicas.items()
        }

    def apply(self, configuration: dict[str, Any]) -> None:
        self._answer()
        if self.unheard:
            self.unheard = False
            raise ServiceError("Ray's dashboard hung up.")
        models = [one for one in configuration["applications"] if one["name"] not in (CATALOG, SHADOW)]
        told = {one["name"]: one["deployments"][0]["user_config"] for one in models}
        contents = {name: Content.model_validate(content) for name, content in told.items()}
        for name in self.contents.keys() - contents.keys():
            self.left_out(name, self.contents[name].spec, bool(self.serving(name)))
        self.applied.append({name: {**content, "attempt": 0} for name, content in told.items()})
        self._up = True
        changed = [name for name, content in contents.items() if self.contents.get(name) != content]
        self.contents = contents
        self.replicas = {name: there for name, there in self.replicas.items() if name in contents}
        self._waiting = [name for name in self._waiting if name in contents and name not in changed] + changed
        if not self.slow:
            self.proceed()
        if self.lost:
            self.lost = False
            raise ServiceError("Ray's dashboard did not answer in time.")

    # What happens to it.

    def proceed(self) -> None:
        """Let replicas take over what was applied."""
        waiting, self._waiting = self._waiting, []
        for name in waiting:
            self._roll_out(name)

    def live(self) -> None:
        """What replicas do by themselves: report, and try again what failed when its time has come."""
        for name, replicas in self.replicas.items():
            for key, replica in list(replicas.items()):
                replica.silent = False
                if replica.slot.due and name not in self._waiting:
                    self._take(name, key)
            if len(replicas) < self.size and name not in self.failed and name not in self._waiting:
                self._start_missing(name)

    def kill(self, name: str, number: int) -> None:
        """A replica dies; Serve starts another in its place."""
        there = self.replicas.get(name, {})
        if there:
            del there[sorted(there)[number % len(there)]]
            if name not in self._waiting:
                self._start_missing(name)

    def restart(self) -> None:
        """Ray is back, knows nothing, and its nodes are empty."""
        self.replicas, self.contents, self._up, self._waiting = {}, {}, False, []
        self.failed.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def serving(self, name: str) -> list[str]:
        """Versions that answer, one for each replica."""
        return [
            replica.slot.spec.version for replica in self.replicas.get(name, {}).values() if replica.slot.spec
        ]

    def _answer(self) -> None:
        if self.away:
            raise ServiceError("Ray does not answer.")

    def _roll_out(self, name: str) -> None:
        there = self.replicas.setdefault(name, {})
        self.failed.pop(name, None)
        for key in list(there):
            self._take(name, key)
        self._start_missing(name)

    def _start_missing(self, name: str) -> None:
        there = self.replicas[name]
        used = {replica.node for replica in there.values()}
        for node in [node for node in range(self.size) if node not in used][: self.size - len(there)]:
            self._started += 1
            key = f"r{self._started}"
            there[key] = Replica(self._slot(node), node)
            self._take(name, key)

    def _take(self, name: str, key: str) -> None:
        replica = self.replicas[name][key]
        try:
            replica.slot.take(self.contents[name])
            self.failed.pop(name, None)  # one has come up: the others are started on and on
        except DiedError:
            del self.replicas[name][key]
            self._fail(name, "The replica died unexpectedly.")
        except Exception as error:
            del self.replicas[name][key]
            kind = f"{type(error).__module__}.{type(error).__name__}".removeprefix("builtins.")
            self._fail(name, f"RuntimeError: Traceback (most recent call last):\n{kind}: {error}\n")

    def _fail(self, name: str, message: str) -> None:
        if not self.replicas[name]:
            self.failed[name] = message

    def _slot(self, node: int) -> ModelSlot:
        place = self.folder / f"node-{node}"

        def load(spec: ModelSpec, max_rows: int) -> Any:
            if (spec.name, spec.version) in self.deadly:
                raise DiedError
            place.mkdir(parents=True, exist_ok=True)
            before, tempfile.tempdir = tempfile.tempdir, str(place)
            try:
                if node in self.full:
                    raise OSError(28, "No space left on device")
                if node in self.spoiling:
                    raise RegistryError(f"The files of {spec.name}-{spec.version} have another SHA-256.")
                return model_slot.load(spec, max_rows, self.settings)
            finally:
                tempfile.tempdir = before

        return ModelSlot(load, self.clock)

    def _application(self, name: str) -> Running:
        spec = self.contents[name].spec
        replicas = dict.fromkeys(self.replicas.get(name, {}), RUNNING)
        if replicas:
            return Running(RUNNING, "", spec, replicas)
        if name in self.failed:
            return Running(DEPLOY_FAILED, self.failed[name], spec)
        return Running("DEPLOYING", "", spec)
