"""The gate: a candidate becomes champion only if it is worth it; every decision is written down."""

from __future__ import annotations

import logging
from typing import Any

from turo import registry
from turo import settings as settings_module
from turo.errors import RegistryError
from turo.ledger import ledger_append, ledger_read
from turo.mlflow_ready import wait_for_mlflow
from turo.registry import Version
from turo.training.compare import publish
from turo.training.rules import Decision, decide

logger = logging.getLogger(__name__)

PROMOTED, KEPT = "promoted", "kept"
ATTEMPTS = 3


def promote(name: str, run_id: str | None, run_key: str) -> Decision:
    """Register a finished run, hold it against the gate, move the alias if it passes.

    Asking again about the same run gives the decision already made. While the decision is being made the
    champion may change under it (two trainings at once): it is then made again, against the new champion.

    Args:
        run_id: None takes the newest finished run of this name and key.

    Raises:
        RegistryError: no such run, or it logged no model.
        ServiceError: MLflow does not answer.
    """
    wait_for_mlflow(settings_module.load())
    candidate = registry.register(run_id or finished_run(name, run_key), name)
    if (made := _recorded(candidate)) is not None:
        logger.info("%s version %s was decided on before: %s", name, candidate.version, made.reason)
        return made
    for _ in range(ATTEMPTS):
        champion = registry.champion(name)
        decision = decide(candidate, champion)
        seen = registry.champion(name)
        if (seen.version if seen else None) == (champion.version if champion else None):
            break
    _carry_out(candidate, decision, run_key)
    try:
        publish(candidate)
    except Exception:  # the decision stands; the table beside it is a convenience
        logger.warning("%s: the comparison of all models was not written", name, exc_info=True)
    return decision


def finished_run(name: str, run_key: str) -> str:
    """Id of the newest finished run of a model, of this key if one is given."""
    client = registry.client()
    experiment = client.get_experiment_by_name(name)
    wanted = f"attributes.status = 'FINISHED' and tags.`turo.model` = '{name}'"
    if run_key:
        wanted += f" and tags.`turo.run_key` = '{run_key}'"
    where = [experiment.experiment_id] if experiment else []
    order = ["attributes.start_time DESC"]
    for run in client.search_runs(where, wanted, max_results=20, order_by=order) if where else ():
        if registry.MODEL_URI_TAG in run.data.tags:
            return run.info.run_id
    raise RegistryError(
        f"No finished run of {name}{f' with key {run_key}' if run_key else ''}.",
        f"Run `turo train {name}` first.",
    )


def _carry_out(candidate: Version, decision: Decision, run_key: str) -> None:
    """Notes first, alias second, ledger last: a repeated call after a crash completes what is missing."""
    registry.set_tags(
        candidate,
        {
            "turo.below_baseline": str(decision.below_baseline).lower(),
            "turo.gate_reason": decision.reason,
            "turo.gate": PROMOTED if decision.promoted else KEPT,
        },
    )
    replaced = None
    if decision.promoted:
        replaced = registry.set_champion(candidate)
        _dismiss_challenger(candidate)
        if decision.below_baseline:
            logger.warning("%s version %s is served BELOW the baseline", candidate.name, candidate.version)
    else:
        registry.set_alias(candidate, registry.CHALLENGER)
    details: dict[str, Any] = {
        "run_id": candidate.run_id,
        "run_key": run_key,
        "below_baseline": str(decision.below_baseline).lower(),
        "metric": decision.metric,
        "value": decision.value,
        "baseline": decision.baseline,
        "replaced": replaced.version if replaced else None,
        "data_digest": candidate.tags.get("turo.data_digest"),
    }
    event = PROMOTED if decision.promoted else KEPT
    ledger_append(event, candidate.name, candidate.version, decision.reason, details)


def _dismiss_challenger(champion: Version) -> None:
    """An older version lost to a champion that this one has replaced: nothing is left to learn from it."""
    rival = registry.alias(champion.name, registry.CHALLENGER)
    if rival is not None and int(rival.version) <= int(champion.version):
        registry.drop_alias(champion.name, registry.CHALLENGER)


def _recorded(candidate: Version) -> Decision | None:
    """The decision in the ledger, whose line is written last: without it the work is not finished."""
    for entry in ledger_read(candidate.name, version=candidate.version):
        if entry["event"] in {PROMOTED, KEPT}:
            champion = registry.champion(candidate.name)
            return Decision(
                name=candidate.name,
                version=candidate.version,
                run_id=candidate.run_id,
                promoted=entry["event"] == PROMOTED,
                below_baseline=entry["below_baseline"] == "true",
                reason=entry["reason"],
                champion=champion.version if champion else "",
                metric=entry["metric"],
                value=float(entry["value"]),
                baseline=float(entry["baseline"]),
            )
    return None
