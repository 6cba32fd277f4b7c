"""What should be served, read from the registry: the champion of each name, its notes, its fallback."""

from __future__ import annotations

from dataclasses import dataclass

from turo import registry
from turo.data import fleets
from turo.serving.spec import ModelSpec, Notes, TrainedOn

REFRESH = 30  # reads after which a version's tags are looked up again though its alias has not moved


@dataclass(frozen=True)
class Desired:
    """One name's wish: the champion, what to tell of it, and what to serve if it cannot be."""

    spec: ModelSpec
    notes: Notes
    fallback: ModelSpec | None = None


class Wishes:
    """Reads the registry every few seconds: one request a name while nothing moves."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[dict[str, str], Desired]] = {}
        self._reads = 0

    def read(self, names: tuple[str, ...]) -> dict[str, Desired]:
        """The wish for each name that has a champion.

        Raises:
            Exception: whatever MLflow's client raises when the registry does not answer.
        """
        self._reads += 1
        if self._reads % REFRESH == 0:
            self._known.clear()
        wishes = {}
        for name in names:
            pointing = registry.aliases(name)  # by name: of a list only the first hundred would come
            if registry.CHAMPION not in pointing:
                continue
            known = self._known.get(name)
            if known is None or known[0] != pointing:
                wish = look_up(name)
                if wish is None:
                    continue
                known = self._known[name] = (pointing, wish)
            wishes[name] = known[1]
        return wishes


def look_up(name: str) -> Desired | None:
    """The wish for one name; None where nothing has been promoted."""
    champion = registry.champion(name)
    if champion is None:
        return None
    challenger = registry.alias(name, registry.CHALLENGER)
    previous = registry.alias(name, registry.PREVIOUS)
    rival = challenger if challenger and challenger.version != champion.version else None
    notes = Notes(
        tags={key: value for key, value in champion.tags.items() if key.startswith(registry.SHOWN_TAGS)},
        metrics=champion.metrics,
        challenger=as_spec(rival) if rival else None,
    )
    return Desired(as_spec(champion), notes, as_spec(previous) if previous else None)


def as_spec(version: registry.Version) -> ModelSpec:
    """A registered version as the identity an application is deployed with."""
    return ModelSpec(
        name=version.name,
        version=version.version,
        run_id=version.run_id,
        model_uri=version.model_uri,
        sha256=version.tags.get(registry.SHA_TAG, ""),
        trained_on=TrainedOn(
            fleet=version.tags.get(fleets.TAG, ""),
            data_digest=version.tags.get("turo.data_digest", ""),
            snapshot=version.tags.get("turo.snapshot", ""),
            metric=version.tags.get("turo.metric", "mae"),
        ),
    )
