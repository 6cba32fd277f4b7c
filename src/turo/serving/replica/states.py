"""The states that replicas report, and whether they prove that a version serves. Pure: tested without Serve.

A replica loads and checks a version with that version's own logged example before it serves it. What it then
reports is the proof: no request of the public queue is needed, and two versions cannot be mixed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from turo.errors import DeployError, RegistryError
from turo.serving.serve_config import ModelSpec

STATES_PATH = "/catalog/replicas"  # below the name of the catalog, which no model may have
DEPLOY_FAILED = "DEPLOY_FAILED"
RUNNING = "RUNNING"
ANSWERING = frozenset({RUNNING, "UPDATING", "RECOVERING", "PENDING_MIGRATION"})  # Serve's words
FINAL = (DeployError, RegistryError)  # all else (a service away, a full disk, a killed process) may pass


class Failure(BaseModel):
    """A version that a replica could not take over."""

    model_config = ConfigDict(frozen=True)

    spec: ModelSpec
    reason: str
    passing: bool  # whether it says nothing of the version


class State(BaseModel):
    """One replica's report."""

    model_config = ConfigDict(frozen=True)

    replica: str
    serves: ModelSpec | None
    failed: Failure | None = None


@dataclass(frozen=True)
class Running:
    """One application as Serve reports it."""

    status: str  # DEPLOYING, RUNNING, DEPLOY_FAILED, UNHEALTHY, DELETING, NOT_STARTED
    message: str
    spec: ModelSpec | None  # what it was last told to serve
    replicas: Mapping[str, str] = field(default_factory=dict)  # state by id

    @property
    def answering(self) -> list[str]:
        """Ids of the replicas that take requests."""
        return [replica for replica, state in self.replicas.items() if state in ANSWERING]

    @property
    def in_vain(self) -> bool:
        """Whether Serve starts replicas that do not come up."""
        return not self.answering and self.status in (DEPLOY_FAILED, "UNHEALTHY")


class Outcome(Enum):
    """What is known of a version that is being brought up."""

    HOLDS = "every replica serves it"
    WAITS = "not yet, or not for a reason that passes"
    REFUSED = "it cannot be served"


class Verdict(NamedTuple):
    """An outcome and why."""

    outcome: Outcome
    reason: str = ""


def judge(spec: ModelSpec, running: Running | None, states: Mapping[str, State]) -> Verdict:
    """Whether a version is proven: by all replicas that answer, or by none of them.

    Args:
        spec: the version.
        running: its application.
        states: the newest report by replica id.
    """
    if running is None or running.spec != spec:
        return Verdict(Outcome.WAITS, "Serve has not taken it over yet")
    answering = running.answering
    told = [states[replica] for replica in answering if replica in states]
    serving = [state for state in told if state.serves == spec]
    failed = [state.failed for state in told if state.failed and state.failed.spec == spec]
    if serving and len(serving) == len(answering):
        busy = sorted({running.replicas[replica] for replica in answering} - {RUNNING})
        return Verdict(Outcome.WAITS, f"a replica is {busy[0]}") if busy else Verdict(Outcome.HOLDS)
    if failed:
        reason = next((one.reason for one in failed if one.passing), failed[0].reason)
        everywhere = len(failed) == len(answering) and not any(one.passing for one in failed)
        return Verdict(Outcome.REFUSED if everywhere else Outcome.WAITS, reason)
    if running.status == DEPLOY_FAILED:
        final = _final(running.message) and not serving
        reason = cause(running.message).removeprefix("DeployError: ")
        return Verdict(Outcome.REFUSED if final else Outcome.WAITS, reason)
    silent = len(answering) - len(told)
    if silent:
        return Verdict(Outcome.WAITS, f"{silent} of {len(answering)} replicas have not reported yet")
    return Verdict(Outcome.WAITS, f"{running.status}: {cause(running.message)}")


def served(running: Running | None, states: Mapping[str, State]) -> ModelSpec | None:
    """The version that replicas say they serve now; of several the one that most of them do."""
    told = [states[replica].serves for replica in (running.answering if running else ()) if replica in states]
    known = [spec for spec in told if spec is not None]
    return max(known, key=known.count, default=None)


def _final(message: str) -> bool:
    return cause(message).startswith(tuple(f"{kind.__name__}:" for kind in FINAL))


def cause(message: str) -> str:
    """The line of Serve's message (a traceback inside a sentence) that says why."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error:" in line or "Exception:" in line]
    line = (errors or lines or ["no reason given"])[-1]
    return line.removeprefix("turo.errors.")[:500]
