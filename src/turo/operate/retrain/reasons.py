"""What speaks for a retraining: alerts that fire because the models no longer see the world they learnt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from turo.errors import ConfigError
from turo.operate.ask import prometheus

if TYPE_CHECKING:
    from turo.settings import Settings

# Their thresholds are in prometheus/rules: what is told to people and what starts work is the same.
ALERTS = ("FeatureDrift", "ForecastInputDrift", "ForecastWorseThanBaseline")


@dataclass(frozen=True)
class Reason:
    """One alert that fires.

    Attributes:
        what: its sentence.
        since: when it began to hold, with its time zone.
    """

    alert: str
    what: str
    since: datetime


REASONS = TypeAdapter(list[Reason])


def standing(settings: Settings) -> list[Reason]:
    """All that speaks for a retraining now.

    Raises:
        ServiceError: Prometheus does not answer.
    """
    return [
        Reason(alert.name, alert.summary, alert.since)
        for alert in prometheus.alerts(settings)
        if alert.name in ALERTS and alert.since is not None
    ]


def to_text(reasons: list[Reason]) -> str:
    """As JSON, for the command line of a job."""
    return REASONS.dump_json(reasons).decode()


def from_text(text: str) -> list[Reason]:
    """The inverse of `to_text`.

    Raises:
        ConfigError: it is something else, or a time has no zone.
    """
    try:
        found = REASONS.validate_json(text)
    except ValidationError as error:
        raise ConfigError(
            f"The reasons cannot be read: {error.errors()[0]['msg']}.",
            'Give a JSON list of {"alert": …, "what": …, "since": …}, as the DAG retrain does.',
        ) from error
    if any(reason.since.tzinfo is None for reason in found):
        raise ConfigError("A reason's `since` has no time zone.", "Write it as 2026-11-23T05:00:00Z.")
    return found
