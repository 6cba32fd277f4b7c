"""Give the alias back to an earlier champion, and prove by a request that it serves.

The intent is written to the decision log before the alias moves. A second call, because the answer got lost
or the process was killed, finishes the same rollback; it does not bring back the version that was taken back.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from turo.data import fleet_sketch
from turo.errors import DeployError, RegistryError
from turo.patience import Patience
from turo.registry import aliases, descriptions, fleet_match, versions
from turo.registry.client import Version
from turo.registry.decision_log import append_entry, read_entries
from turo.serving.control.desired import as_spec
from turo.serving.control.serve_client import Serve
from turo.serving.replica.model_slot import load
from turo.settings import Settings

DEADLINE_S = 60.0
PERIOD_S = 0.2
BEGUN, DONE, PROMOTED = "rollback_begun", "rolled_back", "promoted"

logger = logging.getLogger(__name__)

# Whether every replica serves this version, and the route answers this row as it.
Answers = Callable[[Version, dict[str, Any]], bool]


@dataclass(frozen=True)
class Intent:
    """A rollback that was begun: `left` is taken back, `to` serves again. `done` once the alias has moved."""

    id: str
    left: str
    to: str
    done: bool = False


def rollback(name: str, settings: Settings, to: str = "", answers: Answers | None = None) -> dict[str, Any]:
    """Move the alias to an earlier version, record it, wait until the whole route answers as that version.

    Without `to` it is the previous champion; asked again, it is the same version as before.

    Args:
        to: a version of the model; any that was trained on the fleet of the prepared table.
        answers: asks the route and its replicas.

    Returns:
        `model`, `version`, `replaced`, `seconds`, and `repeated` where an earlier call had moved the alias.

    Raises:
        RegistryError: there is nothing to go back to, or only a version of another fleet than the table's.
        DeployError: the version cannot be served, and the alias stays; or the route did not follow in time.
    """
    began = time.monotonic()
    champion = aliases.champion(name)
    if champion is None:
        raise RegistryError(f"{name} has no champion to take back.", "It has one once a version is promoted.")
    before = begun(read_entries(name))
    repeated = before is not None and before.to == champion.version and to in ("", before.to)
    if before is not None and (repeated or _unfinished(before, champion, to)):
        intent = before
        logger.warning("%s: the rollback from version %s to %s goes on", name, intent.left, intent.to)
    elif to == champion.version:
        intent = Intent("", "", to, done=True)
    else:
        intent = Intent(uuid.uuid4().hex, champion.version, to or _previous(name, champion, before))
    restored = _usable(name, intent.to, settings)
    example = load(as_spec(restored), settings.serve_max_rows, settings).about.example
    _move(name, restored, intent, known=intent is before)
    descriptions.describe_model(restored)
    asked = answers or _ask(settings)
    if not Patience(PERIOD_S, DEADLINE_S).poll(lambda: asked(restored, example)):
        raise DeployError(
            f"/{name} does not answer with version {restored.version} after {DEADLINE_S:.0f} s.",
            "The alias has moved; the log of the mlflow service says what it waits for.",
        )
    seconds = round(time.monotonic() - began, 2)
    result = {"model": name, "version": restored.version, "replaced": intent.left, "seconds": seconds}
    if champion.version == restored.version:
        logger.warning(
            "%s: version %s was the champion already; `turo rollback %s --to VERSION` goes further back",
            name, restored.version, name,
        )  # fmt: skip
        result["repeated"] = True
    return result


def begun(entries: list[dict[str, str]]) -> Intent | None:
    """The newest rollback of a model, unless a promotion came after it. Entries: newest first."""
    finished: set[str] = set()
    for entry in entries:
        if entry["event"] == PROMOTED:
            return None
        if entry["event"] == DONE:
            if "intent" not in entry:  # an older release wrote this line only
                return Intent(entry["id"], entry.get("from", ""), entry["version"], done=True)
            finished.add(entry["intent"])
        if entry["event"] == BEGUN:
            return Intent(entry["intent"], entry["from"], entry["version"], entry["intent"] in finished)
    return None


def _unfinished(intent: Intent, champion: Version, to: str) -> bool:
    """Whether a rollback was begun from this champion, to where the caller wants, and moved nothing yet."""
    return not intent.done and intent.left == champion.version and to in ("", intent.to)


def _previous(name: str, champion: Version, before: Intent | None) -> str:
    previous = aliases.alias(name, aliases.PREVIOUS)
    if previous is None or previous.version == champion.version:
        raise RegistryError(
            f"{name} has no previous champion to go back to.",
            f"Name a version: `turo rollback {name} --to VERSION`; MLflow lists them.",
        )
    if before is not None and previous.version == before.left:
        raise RegistryError(
            f"{name} version {previous.version}, the champion before, was itself taken back.",
            f"If it is wanted all the same: `turo rollback {name} --to {previous.version}`.",
        )
    return previous.version


def _usable(name: str, number: str, settings: Settings) -> Version:
    """The version, if there is one and the prepared table's fleet is its own."""
    version = versions.version(name, number)
    if version is None:
        raise RegistryError(f"{name} has no version {number}.", "MLflow lists the versions of a model.")
    refuse_another_fleet(version, fleet_match.table_manifest(settings))
    return version


def _move(name: str, restored: Version, intent: Intent, known: bool) -> None:
    """Intent, alias, the alias of the one before, and the line that it is done; each may have been done."""
    if intent.done:
        return
    if not known:
        reason = f"Version {intent.left} is to be taken back."
        append_entry(BEGUN, name, intent.to, reason, {"from": intent.left, "intent": intent.id})
    aliases.set_alias(restored, aliases.CHAMPION)
    left = versions.version(name, intent.left)
    if left is not None:
        aliases.set_alias(left, aliases.PREVIOUS)
    append_entry(
        DONE, name, intent.to, f"Version {intent.left} was taken back.",
        {"from": intent.left, "intent": intent.id},
    )  # fmt: skip
    logger.info("%s: champion moves from version %s back to %s", name, intent.left, intent.to)


def _ask(settings: Settings) -> Answers:
    serve = Serve(settings)

    def answers(version: Version, example: dict[str, Any]) -> bool:
        spec = as_spec(version)
        return serve.holds(spec) and serve.answers(spec, example)

    return answers


def refuse_another_fleet(version: Version, table: Mapping[str, Any]) -> None:
    """Leave the alias where it is if a version was trained on another fleet than the table's.

    A version that does not name its fleet may be of this one: going back to it is allowed, with a warning.

    Raises:
        RegistryError: it is of another fleet.
    """
    if not fleet_match.foreign(version.tags, table):
        return
    told = f"{version.name} version {version.version} was trained on another fleet"
    if fleet_sketch.of_tags(version.tags) is None:
        logger.warning("%s or an older table: %s. /forecast may refuse it.", told, fleet_match.UNTOLD)
        return
    raise RegistryError(
        f"{told} than the prepared table's ({fleet_match.label(version.tags)}): "
        "it does not know these vehicles.",
        "The present version stays. To serve that fleet again, put its files back and run prepare_data.",
    )
