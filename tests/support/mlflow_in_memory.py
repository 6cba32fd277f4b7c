"""An MLflow that lives in memory, behind the methods of `MlflowClient` that registry and gate call.

It may be away, may die before or after a write took effect, and may lose the answer of one that did.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from turo.errors import ServiceError

EQUAL = re.compile(r"(?:tags\.`(?P<tag>[^`]+)`|(?P<field>[a-z_.]+))\s*=\s*'(?P<value>[^']*)'")
AWAY, GONE = "TEMPORARILY_UNAVAILABLE", "RESOURCE_DOES_NOT_EXIST"


class KilledError(BaseException):
    """The process that asked ends here: no handler of the product sees it."""


@dataclass
class Interruption:
    """What happens at one of the next writes.

    Attributes:
        writes: so many go well before.
        after: whether that write takes effect first.
        deadly: the process dies; else the caller gets an error, as from a lost answer.
    """

    writes: int
    after: bool
    deadly: bool


@dataclass
class Registered:
    """One registered model."""

    versions: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    description: str = ""


Moved = Callable[[str, str, str | None], None]  # model, alias, the version it points at from now on


@dataclass
class MlflowInMemory:
    """What an MLflow server keeps, and the client that talks to it.

    Args:
        folder: artifacts lie here by run, models by id.
        moved: told each move of an alias at the moment it takes effect.
    """

    folder: Path
    moved: Moved = lambda name, alias, version: None
    away: bool = False
    interruption: Interruption | None = None
    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Registered] = field(default_factory=dict)

    # What a test does behind the product's back.

    def entries(self) -> Iterator[dict[str, str]]:
        """The decision log, oldest first."""
        prefix = "turo.ledger."
        for run in self.runs.values():
            if prefix + "id" in run.data.tags:
                yield {key.removeprefix(prefix): value for key, value in run.data.tags.items()}

    def pointing(self, name: str, alias: str = "champion") -> str | None:
        """The version an alias points at."""
        return self.models[name].aliases.get(alias) if name in self.models else None

    def download(self, artifact_uri: str, dst_path: str) -> str:
        """`mlflow.artifacts.download_artifacts`; away as the platform's own download says it."""
        if self.away:
            raise ServiceError("MLflow does not answer.")
        shutil.copytree(self.folder / artifact_uri.removeprefix("models:/"), dst_path)
        return dst_path

    # Reading.

    def get_experiment_by_name(self, name: str) -> Any:
        self._answer()
        found = self.experiments.get(name)
        return SimpleNamespace(experiment_id=found) if found else None

    def get_run(self, run_id: str) -> Any:
        self._answer()
        return self._known(self.runs, run_id)

    def search_runs(
        self, experiment_ids: list[str], filter_string: str = "", max_results: int = 1000, **_: Any
    ) -> Any:
        self._answer()
        wanted = [
            run for run in reversed(self.runs.values())
            if run.info.experiment_id in experiment_ids and _fits(filter_string, run.data.tags)
        ]  # fmt: skip
        return PagedList(wanted[:max_results], None)

    def get_registered_model(self, name: str) -> Any:
        self._answer()
        found = self._known(self.models, name)
        return SimpleNamespace(name=name, aliases=dict(found.aliases), description=found.description)

    def get_model_version(self, name: str, version: str) -> Any:
        self._answer()
        return self._known(self._known(self.models, name).versions, str(version))

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        self._answer()
        model = self._known(self.models, name)
        return model.versions[self._known(model.aliases, alias)]

    def search_model_versions(self, filter_string: str, page_token: str | None = None) -> Any:
        self._answer()
        known = [version for model in self.models.values() for version in model.versions.values()]
        found = [v for v in known if _fits(filter_string, v.tags, name=v.name, run_id=v.run_id)]
        return PagedList(found, None)

    def list_artifacts(self, run_id: str) -> list[Any]:
        self._answer()
        place = self.folder / run_id
        return [SimpleNamespace(path=path.name) for path in place.iterdir()] if place.is_dir() else []

    def download_artifacts(self, run_id: str, path: str, dst_path: str) -> str:
        self._answer()
        if not (source := self.folder / run_id / path).exists():
            raise MlflowException(f"{path} is gone", error_code=_code(GONE))
        return str(shutil.copy(source, dst_path))

    # Writing.

    def create_experiment(self, name: str) -> str:
        return self._write(lambda: self.experiments.setdefault(name, str(len(self.experiments) + 1)))

    def create_run(
        self, experiment_id: str, tags: dict[str, str] | None = None, run_name: str | None = None
    ) -> Any:
        def create() -> Any:
            run_id = f"run-{len(self.runs) + 1}"
            info = SimpleNamespace(run_id=run_id, experiment_id=experiment_id, status="RUNNING")
            data = SimpleNamespace(tags=dict(tags or {}), params={}, metrics={})
            self.runs[run_id] = SimpleNamespace(info=info, data=data)
            return self.runs[run_id]

        return self._write(create)

    def set_terminated(self, run_id: str) -> None:
        self._write(lambda: setattr(self.runs[run_id].info, "status", "FINISHED"))

    def create_registered_model(self, name: str) -> Any:
        return self._write(lambda: self.models.setdefault(name, Registered()))

    def create_model_version(
        self, name: str, source: str, run_id: str, tags: dict[str, str], **_: Any
    ) -> Any:
        def create() -> Any:
            number = str(len(self.models[name].versions) + 1)
            self.models[name].versions[number] = SimpleNamespace(
                name=name, version=number, run_id=run_id, source=source, tags=dict(tags), description=""
            )
            return self.models[name].versions[number]

        return self._write(create)

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        self._write(lambda: self.models[name].versions[version].tags.__setitem__(key, value))

    def update_model_version(self, name: str, version: str, description: str) -> None:
        self._write(lambda: setattr(self.models[name].versions[version], "description", description))

    def update_registered_model(self, name: str, description: str) -> None:
        self._write(lambda: setattr(self.models[name], "description", description))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        def move() -> None:
            before, self.models[name].aliases[alias] = self.pointing(name, alias), version
            if before != version:
                self.moved(name, alias, version)

        self._write(move)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        def drop() -> None:
            if self.models[name].aliases.pop(alias, None) is not None:
                self.moved(name, alias, None)

        self._write(drop)

    def _answer(self) -> None:
        if self.away:
            raise MlflowException("API request failed: connection refused", error_code=_code(AWAY))

    def _known(self, there: dict[str, Any], key: str) -> Any:
        if key not in there:
            raise MlflowException(f"{key} not found", error_code=_code(GONE))
        return there[key]

    def _write(self, effect: Callable[[], Any]) -> Any:
        self._answer()
        now, self.interruption = self.interruption, self.interruption
        if now is None or now.writes > 0:
            if now is not None:
                now.writes -= 1
            return effect()
        self.interruption = None
        if now.after:
            effect()
        if now.deadly:
            raise KilledError
        raise MlflowException("the answer got lost", error_code=_code(AWAY))


def _code(name: str) -> int:
    from mlflow.protos import databricks_pb2

    return int(getattr(databricks_pb2, name))


def _fits(wanted: str, tags: dict[str, str], **fields: str) -> bool:
    """Whether all the equations of a filter hold; those of attributes that are not given here do."""
    return all(
        (tags.get(one["tag"]) if one["tag"] else fields.get(one["field"], one["value"])) == one["value"]
        for one in EQUAL.finditer(wanted)
    )
