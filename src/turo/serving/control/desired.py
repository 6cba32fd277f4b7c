"""The desired state, read from the registry: each champion, its notes, and what may replace it."""

from __future__ import annotations

from dataclasses import dataclass

from turo.data import fleet_sketch
from turo.registry import aliases, versions
from turo.registry.client import Version
from turo.registry.decision_log import PAGE, REFUSED, SERVED, read_entries
from turo.serving.control.shelf import DEADLY
from turo.serving.serve_config import ModelSpec, Notes, TrainedOn

REFRESH = 30  # reads after which a version's tags are looked up again though its alias has not moved
OLDER = 3  # versions that served before, in case champion and previous are both bad


@dataclass(frozen=True)
class DesiredState:
    """What should be served under one name: the champion, or another version while that cannot be served.

    Attributes:
        notes: what is told of the champion.
        previous: the champion before.
        older: other versions that served, newest first.
        suspects: versions whose newest entry in the decision log is a refusal.
        died: that of the champion, where it killed its replicas.
    """

    spec: ModelSpec
    notes: Notes
    previous: ModelSpec | None = None
    older: tuple[ModelSpec, ...] = ()
    suspects: frozenset[str] = frozenset()
    died: str = ""


class DesiredStates:
    """The desired state of all names, read every few seconds: one request a name while nothing changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[dict[str, str], DesiredState]] = {}
        self._reads = 0

    def read(self, names: tuple[str, ...]) -> dict[str, DesiredState]:
        """The desired state of each name that has a champion.

        Raises:
            Exception: whatever MLflow's client raises when the registry does not answer.
        """
        self._reads += 1
        if self._reads % REFRESH == 0:
            self._known.clear()
        desired_states = {}
        for name in names:
            pointing = aliases.aliases(name)  # by name: of a list only the first hundred would come
            if aliases.CHAMPION not in pointing:
                continue
            known = self._known.get(name)
            if known is None or known[0] != pointing:
                desired = look_up(name)
                if desired is None:
                    continue
                known = self._known[name] = (pointing, desired)
            desired_states[name] = known[1]
        return desired_states

    def forget(self, name: str) -> None:
        """Look this name up again at the next read: the decision log has news of it."""
        self._known.pop(name, None)


def look_up(name: str) -> DesiredState | None:
    """The desired state of one name; None where nothing has been promoted."""
    champion = aliases.champion(name)
    if champion is None:
        return None
    challenger = aliases.alias(name, aliases.CHALLENGER)
    previous = aliases.alias(name, aliases.PREVIOUS)
    if challenger and challenger.version == champion.version:
        challenger = None
    notes = Notes(
        tags={key: value for key, value in champion.tags.items() if key.startswith(versions.SHOWN_TAGS)},
        metrics=champion.metrics,
        challenger=as_spec(challenger) if challenger else None,
    )
    entries = read_entries(name, limit=PAGE)
    suspects = frozenset(suspected(entries))
    past = served_before(entries)
    skipped = suspects | {champion.version} | ({previous.version} if previous else set())
    found = (versions.version(name, number) for number in [v for v in past if v not in skipped][:OLDER])
    older = tuple(as_spec(version) for version in found if version is not None)
    told = _refusal(entries, champion.version) if champion.version in suspects else ""
    died = told if told.startswith(DEADLY) else ""
    before = as_spec(previous) if previous else None
    return DesiredState(as_spec(champion), notes, before, older, suspects, died)


def _refusal(entries: list[dict[str, str]], version: str) -> str:
    found = (one["reason"] for one in entries if one["event"] == REFUSED and one["version"] == version)
    return next(found, "")


def suspected(entries: list[dict[str, str]]) -> list[str]:
    """Versions whose newest entry, of those that tell how they fared, is a refusal. Entries: newest first."""
    last: dict[str, str] = {}
    for entry in entries:
        if entry["event"] in {REFUSED, *SERVED}:
            last.setdefault(entry["version"], entry["event"])
    return [version for version, event in last.items() if event == REFUSED]


def served_before(entries: list[dict[str, str]]) -> list[str]:
    """Versions that served or were champion, newest first."""
    return list(dict.fromkeys(entry["version"] for entry in entries if entry["event"] in SERVED))


def as_spec(version: Version) -> ModelSpec:
    """A registered version as the identity an application is deployed with."""
    return ModelSpec(
        name=version.name,
        version=version.version,
        run_id=version.run_id,
        model_uri=version.model_uri,
        sha256=version.tags.get(versions.SHA_TAG, ""),
        trained_on=TrainedOn(
            fleet=version.tags.get(fleet_sketch.TAG, ""),
            data_digest=version.tags.get("turo.data_digest", ""),
            snapshot=version.tags.get("turo.snapshot", ""),
            metric=version.tags.get("turo.metric", "mae"),
        ),
    )
