"""The gate: a candidate becomes champion only if it is worth it; every decision is written down."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from turo.errors import RegistryError
from turo.gate.best_champion import best_of_the_year
from turo.gate.rules import BIAS, Decision, decide
from turo.registry import aliases, descriptions, versions
from turo.registry.client import Version
from turo.registry.decision_log import DECIDED, append_entry, read_entries
from turo.registry.fleet_match import difference, foreign, same, table_manifest
from turo.registry.mlflow_ready import wait_for_mlflow
from turo.settings import Settings
from turo.training import finished_runs
from turo.training.reports.all_models import publish

logger = logging.getLogger(__name__)

PROMOTED, KEPT = "promoted", "kept"
ATTEMPTS = 3
AGAIN = "trained on the same data with the same parameters and code; nothing new is registered"


def promote(name: str, run_id: str | None, run_key: str, settings: Settings) -> Decision:
    """Register a finished run, hold it against the gate, move the alias if it passes.

    Asking again about the same run, or about one that only repeats it, gives the decision already made, but
    not where the champion has come to be one of another fleet or target meanwhile. The champion may change
    under the decision (two trainings at once): it is then made again, against the new champion.

    Args:
        run_id: None takes the newest finished run of this name and key.

    Raises:
        RegistryError: no such run, or it logged no model.
        ServiceError: MLflow does not answer.
    """
    wait_for_mlflow(settings)
    run_id = run_id or finished_run(name, run_key)
    candidate = (
        versions.registered(run_id, name)
        or finished_runs.duplicate(run_id, name)
        or versions.register(run_id, name)
    )
    descriptions.describe_version(candidate)
    table, entry, said = table_manifest(settings), _entry(candidate), ""
    if entry is not None:
        repeats = candidate.run_id != run_id or run_key != entry.get("run_key", "")
        said = f"version {candidate.version} is the same: {AGAIN}" if repeats else ""
        if not _displaced(candidate, run_key, entry, table):
            made = _recorded(candidate, entry, said)
            if made.champion == candidate.version:  # it may not have been possible to write at the time
                descriptions.describe_model(candidate)
            logger.info("%s version %s was decided on before: %s", name, candidate.version, made.reason)
            return made
    for _ in range(ATTEMPTS):
        champion = aliases.champion(name)
        decision = decide(candidate, champion, best_of_the_year(candidate), table)
        seen = aliases.champion(name)
        if (seen.version if seen else None) == (champion.version if champion else None):
            break
    if said:
        decision = replace(decision, reason=f"{said}; {decision.reason}")
    _carry_out(candidate, decision, run_key, shadowed=not foreign(candidate.tags, table))
    if decision.promoted:
        descriptions.describe_model(candidate)
    try:
        publish(candidate)
    except Exception:  # the decision stands; the table beside it is a convenience
        logger.warning("%s: the comparison of all models was not written", name, exc_info=True)
    return decision


def finished_run(name: str, run_key: str) -> str:
    """Id of the newest finished run of a model, of this key if one is given."""
    if (found := finished_runs.finished(name, run_key)) is not None:
        return found
    raise RegistryError(
        f"No finished run of {name}{f' with key {run_key}' if run_key else ''}.",
        f"Run `turo train {name}` first.",
    )


def _carry_out(candidate: Version, decision: Decision, run_key: str, shadowed: bool) -> None:
    """Tags, intent, aliases, then the entry that it is done: a call after a crash completes what is missing.

    The intent comes first, so that an alias that was moved by a call that died has its entry.
    """
    bias, event = candidate.metrics.get(BIAS), PROMOTED if decision.promoted else KEPT
    tags = {
        "turo.below_baseline": str(decision.below_baseline).lower(),
        "turo.gate_reason": decision.reason,
        "turo.gate": event,
    }
    versions.set_tags(candidate, tags if bias is None else {**tags, f"turo.{BIAS}": f"{bias:.4f}"})
    if decision.promoted or shadowed:
        champion = aliases.champion(candidate.name)
        intent = {"to": event, "from": champion.version if champion else None}
        append_entry(DECIDED, candidate.name, candidate.version, decision.reason, intent)
    replaced = None
    if decision.promoted:
        replaced = aliases.set_champion(candidate)
        _dismiss_challenger(candidate)
        if decision.below_baseline:
            logger.warning("%s version %s is served BELOW the baseline", candidate.name, candidate.version)
    elif shadowed:
        aliases.set_alias(candidate, aliases.CHALLENGER)
    details: dict[str, Any] = {
        "run_id": candidate.run_id,
        "run_key": run_key,
        "below_baseline": str(decision.below_baseline).lower(),
        "metric": decision.metric,
        "value": decision.value,
        "baseline": decision.baseline,
        BIAS: bias,
        "replaced": replaced.version if replaced else None,
        "data_digest": candidate.tags.get("turo.data_digest"),
    }
    append_entry(event, candidate.name, candidate.version, decision.reason, details)


def _dismiss_challenger(champion: Version) -> None:
    """Drop the alias of a challenger that is older than the new champion, or of another fleet."""
    challenger = aliases.alias(champion.name, aliases.CHALLENGER)
    if challenger is None:
        return
    if int(challenger.version) <= int(champion.version) or not same(challenger.tags, champion.tags):
        aliases.drop_alias(champion.name, aliases.CHALLENGER)


def _entry(candidate: Version) -> dict[str, str] | None:
    """The newest decision in the log, whose entry is written last: without it the work is not finished."""
    entries = read_entries(candidate.name, version=candidate.version)
    return next((entry for entry in entries if entry["event"] in {PROMOTED, KEPT}), None)


def _displaced(candidate: Version, run_key: str, entry: dict[str, str], table: dict[str, Any]) -> bool:
    """Is the champion by now of another fleet or target than this candidate and the table?

    A job that is tried again, which has the same key, changes nothing.
    """
    champion = aliases.champion(candidate.name)
    if (run_key and run_key == entry.get("run_key")) or foreign(candidate.tags, table):
        return False
    if champion is not None and champion.version == candidate.version:
        return False
    return champion is None or bool(difference(candidate.tags, champion.tags))


def _recorded(candidate: Version, entry: dict[str, str], said: str) -> Decision:
    champion = aliases.champion(candidate.name)
    return Decision(
        name=candidate.name,
        version=candidate.version,
        run_id=candidate.run_id,
        promoted=entry["event"] == PROMOTED,
        below_baseline=entry["below_baseline"] == "true",
        reason=f"{said}; decided before: {entry['reason']}" if said else entry["reason"],
        champion=champion.version if champion else "",
        metric=entry["metric"],
        value=float(entry["value"]),
        baseline=float(entry["baseline"]),
    )
