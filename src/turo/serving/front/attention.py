"""What needs somebody's attention, most urgent first, and what is under way: sentences for the home page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from turo.forecast.freshness import FRESH_DAYS
from turo.serving.front.fleet_files import FleetFiles
from turo.serving.front.operator_findings import OperatorFinding
from turo.serving.front.pipeline_notes import Notices
from turo.serving.front.served import Served
from turo.words import by_number, counted, listed

BRING = "bring a newer export (or other files) into the data folder; prepare_data and forecast_fleet follow."


def notices(
    served: Served, files: FleetFiles | None, problems: Sequence[str], pipeline: Notices, now: datetime
) -> Notices:
    """What the home page says of the state of things.

    Args:
        files: the forecast; None before the first.
        problems: what is wrong with its files.
        pipeline: what there is to say of its runs and its input.
        now: UTC without zone.
    """
    attention = [
        *(_refused(name, told) for name, told in served.refused.items()),
        *pipeline.attention,
        *state_notes(served, files, problems, now),
        *(f"{model.name}: {model.difference}" for model in served.models if model.difference),
        *_below([model.name for model in served.models if model.below_baseline]),
        *(f"Data: {warning}" for warning in served.manifest.get("warnings", [])),
    ]
    under_way = list(pipeline.under_way)
    if served.awaited:
        names, verb = ", ".join(served.awaited), by_number(len(served.awaited), "has", "have")
        under_way.append(f"{names} {verb} no version to serve yet: training is under way, or has not begun.")
    return Notices(attention, under_way)


def with_findings(notices: Notices, findings: Sequence[OperatorFinding]) -> Notices:
    """The same, and first what the doctor found that the rest does not tell."""
    told = [one.sentence for one in findings if not one.elsewhere]
    return Notices([*told, *notices.attention], notices.under_way)


def state_notes(
    served: Served, files: FleetFiles | None, problems: Sequence[str], now: datetime
) -> list[str]:
    """What is wrong with the forecast that pages show: its files, its age, the table behind it."""
    return [*problems, *_stale(served, files, now)]


def _below(names: Sequence[str]) -> list[str]:
    """One sentence of all models that a simple rule beats."""
    if not names:
        return []
    they = by_number(len(names), "it", "they")
    return [
        f"{listed(names)}: on past weeks that {they} had not seen, a simple rule was closer. Trust what "
        "is on the books more than what is expected on top. “Which models, and how good” in the report names "
        "the rule."
    ]


def _refused(name: str, told: object) -> str:
    version, reason = (dict(told).get(key, "") for key in ("version", "reason"))  # type: ignore[call-overload]
    return f"{name} version {version} was refused, another one serves on: {reason}"


def _stale(served: Served, files: FleetFiles | None, now: datetime) -> list[str]:
    if files is None:
        return []
    found, days = [], (now.date() - files.origin).days
    if days > FRESH_DAYS:
        age = counted(days, "day")
        found.append(f"The forecast begins on {files.origin:%d %b %Y}, {age} ago: {BRING}")
    digest = files.made.get("data_digest")
    if digest and served.manifest and digest != served.manifest.get("digest"):
        found.append(
            "The table was prepared anew after the forecast was made: run the DAG forecast_fleet "
            "(`turo forecast`)."
        )
    return found
