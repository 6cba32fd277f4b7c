"""The reconciler's memory of one name and its decisions: pure, so that each case is tested without Serve.

`serving` is what serves and is proven, `trying` what is being brought up, `refused` what failed. A refused
version is not tried again until the alias has pointed elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from turo.serving.deploy import Proof, Running
from turo.serving.desired import Desired
from turo.serving.spec import ModelSpec, Notes

RETRY_S = 10.0  # between two attempts at what failed for a passing reason
TRANSIENT = "ServiceError"  # a replica that could not reach MLflow says nothing of its model


@dataclass
class Route:
    """What is known of one name."""

    desired: Desired | None = None
    serving: ModelSpec | None = None
    trying: ModelSpec | None = None
    trying_since: float = 0.0
    attempt: int = 0
    attempted_at: float = 0.0
    refused: dict[ModelSpec, str] = field(default_factory=dict)

    @property
    def target(self) -> ModelSpec | None:
        """What the configuration should hold for this name."""
        return self.trying or self.serving

    @property
    def notes(self) -> Notes:
        """What to tell beside the version: the registry's facts, or the champion's refusal."""
        if self.desired is None:
            return Notes()
        reason = self.refused.get(self.desired.spec)
        if reason is not None:
            return Notes(refused={"version": self.desired.spec.version, "reason": reason})
        return self.desired.notes if self.desired.spec == self.target else Notes()

    def wish(self, desired: Desired | None, now: float) -> None:
        """Take over what the registry says. Without news (None) the last word stands."""
        if desired is not None:
            if self.desired is None or desired.spec != self.desired.spec:
                self.refused.clear()
            self.desired = desired
        if self.desired is None:
            return
        wanted: ModelSpec | None = self.desired.spec
        if wanted in self.refused:
            wanted = self.serving or self.desired.fallback
        if wanted is None or wanted in self.refused or wanted == self.trying:
            return
        self.trying = None if wanted == self.serving else wanted
        self.trying_since = self.attempted_at = now

    def found(self, running: ModelSpec) -> None:
        """A version that Serve already ran when the reconciler itself started."""
        if self.serving is None and self.trying is None:
            self.serving = running

    def again(self, now: float) -> bool:
        """Whether what failed for a passing reason is to be tried anew now; counts the attempt."""
        if now - self.attempted_at < RETRY_S:
            return False
        self.attempt, self.attempted_at = self.attempt + 1, now
        return True

    def accept(self) -> None:
        """The tried version is proven."""
        self.serving, self.trying = self.trying, None

    def refuse(self, reason: str) -> None:
        """The tried version failed; what served before stays, or comes back."""
        if self.trying is not None:
            self.refused[self.trying] = reason
        self.trying = None


def passing(reason: str) -> bool:
    """Whether a failure says nothing of the model: a service was away."""
    return TRANSIENT in reason


def failure(route: Route, running: Running | None, proof: Proof, now: float, deadline_s: float) -> str | None:
    """Why the version being tried has to be given up now, or None to go on waiting."""
    reason = proof.refusal
    if running and running.status == "DEPLOY_FAILED" and running.spec == route.trying:
        reason = running.message
    if reason is not None and not passing(reason):
        return cause(reason)
    if running is None or now - route.trying_since <= deadline_s:
        return None
    return f"not answering after {deadline_s:.0f} s ({running.status}: {cause(reason or running.message)})"


def cause(message: str) -> str:
    """The line of Serve's message (a traceback inside a sentence) that says why."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error:" in line or "Exception:" in line]
    line = (errors or lines or ["no reason given"])[-1]
    return line.removeprefix("turo.errors.").removeprefix("DeployError: ")[:500]
