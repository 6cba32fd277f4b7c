"""What the reconciler knows of one name and decides for it: pure, so that each case is tested without Serve.

A version is tried, then serves or is refused; that one is left alone unless the alias moves or none serves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from turo.serving.control.desired import DesiredState
from turo.serving.control.shelf import DEADLY, Shelf
from turo.serving.serve_config import ModelSpec, Notes

RETRY_S = 10.0  # between two attempts at starting what failed to start
ALL_REFUSED_S = 60.0  # where no version can be served: until all are tried again
LOST_S = 45.0  # for which no replica comes up: then the version is taken to kill them, without a reason
LOGGED_AFTER_S = 30.0  # a version that waits this long is logged, with the reason


@dataclass
class Route:
    """What is known of one name.

    Attributes:
        serving: what all replicas served when that was last proven; where a refusal leads back to.
        trying: what is being brought up beside it or instead.
        reported: what replicas say they serve, proven or not.
        earlier: what served before `serving`.
        waiting: why what is tried is not there yet.
        logged: the last of these reasons that was logged.
        refused: what cannot be served, and why.
        shelf: versions that are left alone for a while, for a reason that may pass.
    """

    desired: DesiredState | None = None
    serving: ModelSpec | None = None
    trying: ModelSpec | None = None
    reported: ModelSpec | None = None
    earlier: ModelSpec | None = None
    waiting: str = ""
    logged: str = ""
    attempt: int = 0
    attempted_at: float = 0.0
    tried_since: float = 0.0
    answered_at: float = 0.0
    refused: dict[ModelSpec, str] = field(default_factory=dict)
    refused_at: float = 0.0
    shelf: Shelf = field(default_factory=Shelf)

    @property
    def target(self) -> ModelSpec | None:
        """What the configuration should hold for this name."""
        return self.trying or self.serving

    @property
    def fallback(self) -> ModelSpec | None:
        """What a replica serves that starts and cannot load the target."""
        known = [self.serving, self.reported, self.earlier]
        if self.desired is not None:
            others, suspects = (self.desired.previous, *self.desired.older), self.desired.suspects
            known += [spec for spec in others if spec and spec.version not in suspects]
        fit = (spec for spec in known if spec and spec != self.target and spec not in self.refused)
        return next(fit, None)

    @property
    def notes(self) -> Notes:
        """What to tell beside the version: the registry's facts, or the champion's refusal."""
        if self.desired is None:
            return Notes()
        reason = self.refused.get(self.desired.spec) or self.shelf.lost.get(self.desired.spec)
        if reason is not None:
            return Notes(refused={"version": self.desired.spec.version, "reason": reason})
        return self.desired.notes if self.desired.spec == self.target else Notes()

    def adopt(self, deployed: ModelSpec | None, reported: ModelSpec | None, now: float) -> None:
        """Take over what Serve runs.

        Args:
            deployed: what it was last told to run.
            reported: what its replicas serve, where they have told.
        """
        if reported is not None:
            self.reported, self.answered_at = reported, now
        if self.target is not None or self.refused:
            return  # later, this process knows better
        self.serving = reported
        if deployed != reported:
            self._try(deployed, now)
            self.earlier = deployed if reported is None else None

    def set_desired(self, desired: DesiredState | None, now: float) -> None:
        """Take over what the registry says; None: nothing new, the state last known stands."""
        if desired is not None:
            if self.desired is None or desired.spec != self.desired.spec:
                self.refused.clear()
                self.shelf.clear()
                lives = desired.spec in (self.serving, self.reported)
                if self.desired is None and desired.died and not lives:
                    self.shelf.put_deadly(desired.spec, desired.died, now)  # an earlier process has seen it
            self.desired = desired
        if self.desired is None:
            return
        wanted = self._choice(self.desired, now)
        if wanted is not None and wanted != self.target:
            self._try(None if wanted == self.serving else wanted, now)

    def _choice(self, desired: DesiredState, now: float) -> ModelSpec | None:
        """The champion if it may serve, else what serves, else the newest version that may."""
        there = self.serving or self.reported
        champion = desired.spec
        if there and not self.shelf.holds(champion, now):
            return champion  # what answers takes it over, or refuses it and goes on
        if champion not in self.refused and not any(self._doubt(champion, desired, now)):
            return champion
        if there:
            return there
        in_turn = sorted(self._in_turn(desired), key=lambda spec: self._doubt(spec, desired, now))
        left = [spec for spec in in_turn if spec not in self.refused]
        if left or now - self.refused_at < ALL_REFUSED_S:
            return left[0] if left else None
        self.refused.clear()
        self.shelf.open()  # or the champion would stay away without a reason
        return in_turn[0]

    def _in_turn(self, desired: DesiredState) -> list[ModelSpec]:
        known = (desired.spec, self.serving, self.reported, self.earlier, desired.previous, *desired.older)
        return list(dict.fromkeys(spec for spec in known if spec is not None))

    def _doubt(self, spec: ModelSpec, desired: DesiredState, now: float) -> tuple[bool, bool]:
        """What speaks against a version. An old refusal weighs less than what has just failed."""
        return self.shelf.holds(spec, now), spec.version in desired.suspects

    def again(self, now: float) -> bool:
        """Whether what failed to start is to be tried anew now; counts the attempt."""
        if now - self.attempted_at < RETRY_S:
            return False
        self.attempt, self.attempted_at = self.attempt + 1, now
        return True

    def accept(self) -> None:
        """The tried version is proven."""
        if self.trying is not None:
            self.earlier, self.serving, self.trying = self.serving or self.earlier, self.trying, None
            self.refused.pop(self.serving, None)
            self.shelf.survived(self.serving)
        self.waiting = ""

    def refuse(self, reason: str, now: float) -> None:
        """The target cannot be served; what served before stays, or comes back."""
        if self.target is not None:
            self.refused[self.target], self.refused_at = reason, now
            self.shelf.put(self.target, now)
            self._give_up(now)

    def shelve_if_lost(self, starts_in_vain: bool, reason: str, now: float) -> str:
        """Leave a version alone whose replicas die without a word, and say why; another one may serve.

        Args:
            starts_in_vain: no replica answers, and Serve says that something is wrong with it alone.
        """
        if not starts_in_vain:
            self.answered_at = now
        if (lost := self.target) is None or self.desired is None or now - self.answered_at < LOST_S:
            return ""
        others = [spec for spec in self._in_turn(self.desired) if spec != lost]
        if all(spec in self.refused or self.shelf.holds(spec, now) for spec in others):
            return ""
        self.shelf.put_deadly(lost, f"{DEADLY}{reason}", now)
        self._give_up(now)
        return self.shelf.lost[lost]

    def wait(self, reason: str, starts_in_vain: bool, now: float) -> bool:
        """Note why the target is not there, or no longer; whether that is worth a line in the log."""
        news = self.trying is not None and now - self.tried_since > LOGGED_AFTER_S and reason != self.logged
        self.waiting = reason if self.trying or starts_in_vain else ""
        self.logged = reason if news else self.logged
        return news

    def status(self) -> dict[str, Any]:
        """What is told of this name outside; health and people read it."""
        return {
            "version": self.serving.version if self.serving else None,
            "trying": self.trying.version if self.trying else None,
            "waiting": self.waiting or (self.shelf.lost.get(self.desired.spec) if self.desired else None),
            "refused": {spec.version: reason for spec, reason in self.refused.items()},
        }

    def _try(self, spec: ModelSpec | None, now: float) -> None:
        self.trying, self.waiting, self.logged = spec, "", ""
        self.attempted_at = self.tried_since = self.answered_at = now

    def _give_up(self, now: float) -> None:
        """Go back from the target to what served."""
        given_up = self.target
        known = (self.serving, self.reported)
        self.serving = next((spec for spec in known if spec and spec != given_up), None)
        if self.reported == given_up:
            self.reported = None
        self._try(None, now)
