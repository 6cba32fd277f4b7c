"""Versions that are left alone for a while: refused ones, and ones that kill their replicas."""

from __future__ import annotations

from dataclasses import dataclass, field

from turo.serving.serve_config import ModelSpec

SHELVED_S = 600.0  # for which a version that failed is left alone where another one serves
LONGEST_S = 86400.0  # each trial of a deadly version takes the route away: the pauses double up to this
DEADLY = "left alone for now, its replicas die: "  # so begins the reason, in the decision log too


@dataclass
class Shelf:
    """The shelved versions of one name.

    Attributes:
        lost: what killed its replicas without a reason, and what Serve said of it.
    """

    lost: dict[ModelSpec, str] = field(default_factory=dict)
    _until: dict[ModelSpec, float] = field(default_factory=dict)
    _deaths: dict[ModelSpec, int] = field(default_factory=dict)

    def holds(self, spec: ModelSpec, now: float) -> bool:
        """Whether it is to be left alone."""
        return now < self._until.get(spec, now)

    def put(self, spec: ModelSpec, now: float) -> None:
        """It failed and said why: a trial costs nothing, what serves goes on meanwhile."""
        self._until[spec] = now + SHELVED_S

    def put_deadly(self, spec: ModelSpec, reason: str, now: float) -> None:
        """It killed its replicas, those that served before it among them."""
        self._deaths[spec] = self._deaths.get(spec, 0) + 1
        self.lost[spec] = reason
        self._until[spec] = now + min(LONGEST_S, SHELVED_S * 2.0 ** min(self._deaths[spec] - 1, 20))

    def survived(self, spec: ModelSpec) -> None:
        """It serves; how often it died before is kept, for it may do so again."""
        self.lost.pop(spec, None)

    def open(self) -> None:
        """Leave none alone any more: nothing serves."""
        self._until.clear()

    def clear(self) -> None:
        """Forget everything: the alias has moved."""
        for noted in (self.lost, self._until, self._deaths):
            noted.clear()
